"""A board with Linux, reached with the user's own ssh: a Raspberry Pi, a Jetson, a server."""
