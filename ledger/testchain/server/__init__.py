"""The local chain as a process: one port for HTTP and WebSocket."""
