"""HTTP/2 of an attacker: handmade frames, valid or not (RFC 9113)."""

import socket
import struct
import time

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 2, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS = 1, 4


def frame(kind, payload=b"", flags=0, stream=0):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def text(name, value):
    """Encodes a header in HPACK without any table and without Huffman's code (RFC 7541, 6.2.2)."""
    return b"\x00" + b"".join(length(part) + part for part in (name.encode(), value.encode()))


def length(part):
    """Encodes a length as an integer with a prefix of 7 bits."""
    size = len(part)
    if size < 127:
        return bytes([size])
    found, size = [127], size - 127
    while size >= 128:
        found.append(size % 128 + 128)
        size //= 128
    return bytes(found + [size])


def call(path, key=None, **more):
    """Returns the header block of a gRPC call."""
    fields = {":method": "POST", ":scheme": "http", ":path": path, ":authority": "localhost", "content-type": "application/grpc", "te": "trailers"}
    if key:
        fields["authorization"] = f"Bearer {key}"
    return b"".join(text(name.replace("_", "-"), value) for name, value in (fields | more).items())


class Connection:
    """One connection. `ended` is set when the server has closed it."""

    def __init__(self, port, settings=b"", greet=True):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self.ended, self.read = False, b""
        if greet:
            self.send(PREFACE + frame(SETTINGS, settings))

    def send(self, data):
        """Sends data; returns False when the server accepts no more."""
        try:
            self.socket.sendall(data)
        except OSError:
            self.ended = True
        return not self.ended

    def drain(self, seconds=0.0):
        """Reads available data, and data that arrives within a time."""
        end = time.monotonic() + seconds
        while not self.ended:
            self.socket.settimeout(max(0.001, end - time.monotonic()))
            try:
                found = self.socket.recv(1 << 20)
            except TimeoutError:
                return self
            except OSError:
                found = b""
            self.read += found
            self.ended = not found
            if not self.ended and time.monotonic() >= end:
                return self
        return self

    def frames(self):
        """Returns kind, flags, stream and payload of the read frames."""
        at, found = 0, []
        while at + 9 <= len(self.read):
            size = int.from_bytes(self.read[at:at + 3], "big")
            kind, flags = self.read[at + 3], self.read[at + 4]
            stream = int.from_bytes(self.read[at + 5:at + 9], "big")
            found.append((kind, flags, stream, self.read[at + 9:at + 9 + size]))
            at += 9 + size
        return found

    def frames_of(self, wanted):
        """Returns the frames of one stream."""
        return [found for found in self.frames() if found[2] == wanted]

    def close(self):
        self.socket.close()
