//! What the server says, and which question it answers.

use std::sync::Arc;

use super::{
    Asked, Exchange, Failure, Kind, Phase, Transcript,
    asked::Target,
    bind::Bind,
    capture::Message,
    kept::{Portal, Statement},
};
use crate::postgres::{body::Body, error::Report};

impl Transcript {
    pub(super) fn server_said(&mut self, at: i64, message: Message<'_>) {
        if let Some(running) = self.running() {
            running.bytes_out += message.size;
        }
        match message.tag {
            b'D' => {
                if let Some(running) = self.running() {
                    running.rows += 1;
                }
            }
            b'C' => {
                let tag = Body::new(message.kept).text().unwrap_or_default();
                if let Some(running) = self.running() {
                    running.add_tag(tag);
                }
                self.executed(at);
            }
            // EmptyQueryResponse, PortalSuspended.
            b'I' | b's' => self.executed(at),
            b'1' | b'2' | b'3' | b'T' | b'n' => self.prepared(message.tag),
            b't' => self.described(message.kept),
            b'G' | b'W' => self.copying_in(),
            b'H' => self.copying(),
            b'E' => self.failed(at, message.kept),
            b'Z' => self.ready(at, message.kept == b"I"),
            // COPY data and what comes at any time: notices, parameters, notifications.
            _ => {}
        }
    }

    /// The exchange that the server is at, if it is at one.
    pub(super) fn running(&mut self) -> Option<&mut Exchange> {
        match self.asked.front_mut()? {
            Asked::Simple(exchange) | Asked::Function(exchange) => Some(exchange),
            Asked::Execute { portal, at, running } => {
                let portal = self.portals.get(portal);
                Some(running.get_or_insert_with(|| Box::new(execution(portal, *at))))
            }
            Asked::Parse { .. }
            | Asked::Bind { .. }
            | Asked::Describe { .. }
            | Asked::Close { .. }
            | Asked::Sync => None,
        }
    }

    fn pop(&mut self) -> Option<Asked> {
        let asked = self.asked.pop_front()?;
        self.weight = self.weight.saturating_sub(asked.weight());
        Some(asked)
    }

    fn finish_exchange(&mut self, mut exchange: Exchange, at: i64) {
        exchange.finished_at = Some(at);
        self.done.push_back(exchange);
    }

    /// A portal is through; a simple query goes on up to ReadyForQuery.
    fn executed(&mut self, at: i64) {
        if matches!(self.asked.front(), Some(Asked::Execute { running: Some(_), .. }))
            && let Some(Asked::Execute { running: Some(exchange), .. }) = self.pop()
        {
            self.finish_exchange(*exchange, at);
        }
    }

    /// The answer to Parse, Bind, Close or Describe. RowDescription is an answer only to
    /// the last; elsewhere it is a part of the result.
    fn prepared(&mut self, tag: u8) {
        let fits = matches!(
            (tag, self.asked.front()),
            (b'1', Some(Asked::Parse { .. }))
                | (b'2', Some(Asked::Bind { .. }))
                | (b'3', Some(Asked::Close { .. }))
                | (b'T' | b'n', Some(Asked::Describe { .. }))
        );
        if fits && let Some(asked) = self.pop() {
            self.assume_answered(asked);
        }
    }

    /// Does what a positive answer to `asked` means.
    pub(super) fn assume_answered(&mut self, asked: Asked) {
        match asked {
            Asked::Parse { name, statement, .. } => self.statements.insert(name, statement),
            Asked::Bind { bind, .. } => {
                let portal = self.portal(&bind);
                self.portals.insert(bind.portal, portal);
            }
            Asked::Close { target: Target::Statement(name) } => self.statements.remove(&name),
            Asked::Close { target: Target::Portal(name) } => self.portals.remove(&name),
            Asked::Simple(exchange) | Asked::Function(exchange) => self.done.push_back(*exchange),
            Asked::Execute { portal, at, running } => {
                let exchange = match running {
                    Some(exchange) => *exchange,
                    None => execution(self.portals.get(&portal), at),
                };
                self.done.push_back(exchange);
            }
            Asked::Describe { .. } | Asked::Sync => {}
        }
    }

    fn portal(&self, bind: &Bind) -> Portal {
        let statement = self.statements.get(&bind.statement).cloned().unwrap_or_else(|| {
            // Prepared with SQL, or before this recording.
            let sql = format!("EXECUTE {:?}", bind.statement);
            Arc::new(Statement { sql, ..Statement::default() })
        });
        Portal {
            parameters: bind.parameters(&statement.types),
            truncated: bind.truncated || statement.truncated,
            statement,
        }
    }

    /// The types of a statement's parameters.
    fn described(&mut self, kept: &[u8]) {
        let Some(Asked::Describe { target: Target::Statement(name), .. }) = self.asked.front()
        else {
            return;
        };
        let mut body = Body::new(kept);
        let Some(count) = body.u16() else { return };
        let types = (0..count).map_while(|_| body.u32()).collect();
        if let Some(statement) = self.statements.get(name) {
            let described = Statement { types, ..Statement::clone(statement) };
            self.statements.insert(name.clone(), described);
        }
    }

    fn copying(&mut self) {
        if let Some(running) = self.running() {
            running.kind = Kind::Copy;
        }
    }

    /// From here on the client sends data. What it asked meanwhile is overlooked.
    fn copying_in(&mut self) {
        self.copying();
        if self.running().is_some() {
            self.asked.truncate(1);
            self.weight = self.asked.front().map_or(0, Asked::weight);
            self.phase = Phase::CopyingIn;
        }
    }

    fn failed(&mut self, at: i64, kept: &[u8]) {
        let report = Report::decode(kept);
        let failure = Failure { sqlstate: report.sqlstate, message: report.message };
        if matches!(self.phase, Phase::CopyingIn) {
            self.phase = Phase::Asking;
        }
        if let Some(Asked::Simple(exchange) | Asked::Function(exchange)) = self.asked.front_mut() {
            exchange.error.get_or_insert(failure);
            return;
        }
        let mut exchange = match self.asked.front() {
            // At the end of a transaction, or out of the blue: it answers nothing.
            None | Some(Asked::Sync) => Exchange::begin(Kind::Unasked, at),
            Some(_) => {
                let exchange = self.pop().map(|asked| self.failed_exchange(asked, at));
                self.skip_to_sync();
                exchange.unwrap_or_else(|| Exchange::begin(Kind::Unasked, at))
            }
        };
        exchange.error = Some(failure);
        self.finish_exchange(exchange, at);
    }

    /// What the client wanted when a step of it failed.
    fn failed_exchange(&self, asked: Asked, now: i64) -> Exchange {
        match asked {
            Asked::Simple(exchange) | Asked::Function(exchange) => *exchange,
            Asked::Execute { portal, at, running } => match running {
                Some(exchange) => *exchange,
                None => execution(self.portals.get(&portal), at),
            },
            Asked::Parse { statement, at, .. } => of_statement(&statement, at),
            Asked::Bind { bind, at } => execution(Some(&Arc::new(self.portal(&bind))), at),
            Asked::Describe { target: Target::Portal(name), at } => {
                execution(self.portals.get(&name), at)
            }
            Asked::Describe { target: Target::Statement(name), at } => self
                .statements
                .get(&name)
                .map_or_else(|| Exchange::begin(Kind::Extended, at), |s| of_statement(s, at)),
            Asked::Close { .. } | Asked::Sync => Exchange::begin(Kind::Extended, now),
        }
    }

    /// The server skips what was asked up to the next Sync, which may not be here yet.
    fn skip_to_sync(&mut self) {
        while !matches!(self.asked.front(), Some(Asked::Sync)) {
            if self.pop().is_none() {
                self.phase = Phase::Skipping;
                return;
            }
        }
    }

    /// ReadyForQuery: everything up to the question that asked for it is answered.
    fn ready(&mut self, at: i64, idle: bool) {
        while let Some(asked) = self.pop() {
            match asked {
                Asked::Sync => break,
                Asked::Simple(exchange) | Asked::Function(exchange) => {
                    self.finish_exchange(*exchange, at);
                    break;
                }
                other => self.assume_answered(other),
            }
        }
        if idle {
            // Portals end with their transaction.
            self.portals.clear();
        }
    }
}

fn execution(portal: Option<&Arc<Portal>>, at: i64) -> Exchange {
    let mut exchange = Exchange::begin(Kind::Extended, at);
    if let Some(portal) = portal {
        exchange.sql.clone_from(&portal.statement.sql);
        exchange.parameters.clone_from(&portal.parameters);
        exchange.truncated = portal.truncated;
        exchange.bytes_in = exchange.sql.len() as u64;
    }
    exchange
}

fn of_statement(statement: &Statement, at: i64) -> Exchange {
    let mut exchange = Exchange::begin(Kind::Extended, at);
    exchange.sql.clone_from(&statement.sql);
    exchange.truncated = statement.truncated;
    exchange
}
