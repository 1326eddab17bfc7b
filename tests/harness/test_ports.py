"""Ports for systems that run side by side."""

from media_processor.harness.ports import free_port


def test_no_port_is_given_out_twice() -> None:
    """One that nothing listens on yet, or never will, must not become another server's."""
    ports = [free_port() for _ in range(300)]

    assert len(set(ports)) == len(ports)
