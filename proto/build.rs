//! Compiles the schema with protox, so nobody installs `protoc`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = [
        "protobuf/transport.proto",
        "protobuf/packet.proto",
        "protobuf/control.proto",
        "protobuf/event.proto",
    ];
    for file in files {
        println!("cargo:rerun-if-changed={file}");
    }
    let descriptors = protox::compile(files, ["."])?;
    // `build_transport(false)`: tonic's `connect` constructor would clash with the RPC of that name.
    // `bytes(".")`: payloads stay slices of the buffer that they arrived in.
    tonic_prost_build::configure()
        .skip_protoc_run()
        .build_transport(false)
        .bytes(".")
        // It has keys in it: see `convert`.
        .skip_debug(["protobuf.Telemetry"])
        .compile_fds(descriptors)?;
    Ok(())
}
