"""A mail server for tests: what it accepts, it writes to a folder, a file a mail."""

import asyncio
import json
import os
import ssl
import sys
import uuid

from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import SMTP, AuthResult


class Folder(Sink):
    def __init__(self, path):
        self.path = path

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "tls": session.ssl is not None or settings["tls"] == "implicit",
            "user": session.authenticated,
            "data": envelope.content.decode("utf-8", "replace"),
        }
        unfinished = os.path.join(self.path, "unfinished")
        with open(unfinished, "w", encoding="utf-8") as file:
            json.dump(mail, file)
        os.rename(unfinished, os.path.join(self.path, uuid.uuid4().hex + ".json"))
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    good = data.login == b"hoop" and data.password == b"correct horse"
    return AuthResult(success=good, handled=False)


async def main():
    context = None
    if settings["tls"] != "off":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(settings["certificate"], settings["key"])
    starttls = settings["tls"] == "starttls"

    def protocol():
        return SMTP(
            Folder(settings["folder"]),
            tls_context=context if starttls else None,
            require_starttls=starttls,
            auth_required=settings["tls"] != "off",
            auth_require_tls=starttls,
            authenticator=authenticate,
        )

    server = await asyncio.get_running_loop().create_server(
        protocol, "127.0.0.1", 0, ssl=context if settings["tls"] == "implicit" else None
    )
    print("PORT", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


settings = json.loads(sys.argv[1])
asyncio.run(main())
