"""Runs an application until it is told to stop."""

import socket

import uvicorn
from fastapi import FastAPI

from media_processor.errors import SetupError


def check_port(host: str, port: int, variable: str) -> None:
    """Raise SetupError, saying what to do, if nothing can listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SetupError(
                f"Port {port} on {host} can't be used ({error.strerror}). Stop what runs there "
                f"or choose another one, for example {variable}={port + 1}."
            ) from None


def serve(app: FastAPI, host: str, port: int, variable: str) -> None:
    """Serve ``app`` until SIGINT or SIGTERM; requests under way get 20 s to finish."""
    check_port(host, port, variable)
    uvicorn.run(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=20,
    )
