"""The callback receiver of the tests takes what a gateway does."""
import contextlib
import socket

from scripts import local_gateway, webhook_receiver

# callbacks.senders may be raised far beyond its default of 16.
AT_ONCE = 64


def test_takes_as_many_connections_at_once_as_a_gateway_opens():
    """The kernel drops what is over a listener's queue, and its sender tries again after a second."""
    with webhook_receiver.Receiver(local_gateway.new_callback_secret()) as receiver, contextlib.ExitStack() as opened:
        receiver._server.shutdown()  # nobody accepts: all of them wait
        for number in range(AT_ONCE):
            try:
                opened.enter_context(socket.create_connection(("127.0.0.1", receiver.port), timeout=0.9))
            except TimeoutError:
                raise AssertionError(f"connection {number + 1} was dropped") from None
