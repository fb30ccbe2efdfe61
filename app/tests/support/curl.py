"""Stands in for curl on machines without it, with the options that the documentation uses."""

import argparse
import sys
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

_BOUNDARY = "--------a-line-that-no-file-has"


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="curl")
    parser.add_argument("-s", action="store_true", help="silent, as it always is")
    parser.add_argument("-i", action="store_true", help="show the headers too")
    parser.add_argument("-X", dest="method")
    parser.add_argument("-H", dest="headers", action="append", default=[])
    parser.add_argument("-d", dest="data")
    parser.add_argument("-F", dest="form", action="append", default=[])
    parser.add_argument("-c", dest="cookies_to", type=Path)
    parser.add_argument("-b", dest="cookies_from", type=Path)
    parser.add_argument("url")
    given = parser.parse_intermixed_args(arguments)
    url = urlsplit(given.url)
    headers = {"User-Agent": "curl/0", **dict(_header(text) for text in given.headers)}
    if given.cookies_from:
        headers["Cookie"] = "; ".join(given.cookies_from.read_text().splitlines())
    body = None if given.data is None else given.data.encode()
    if given.form:
        headers["Content-Type"] = f"multipart/form-data; boundary={_BOUNDARY}"
        body = b"".join(_part(field) for field in given.form) + f"--{_BOUNDARY}--\r\n".encode()
    connection = HTTPConnection(url.netloc, timeout=60)
    method = given.method or ("GET" if body is None else "POST")
    connection.request(method, f"{url.path}?{url.query}" if url.query else url.path, body, headers)
    answer = connection.getresponse()
    if given.cookies_to:
        cookies = [value.partition(";")[0] for name, value in answer.getheaders() if name == "set-cookie"]
        given.cookies_to.write_text("\n".join(cookies))
    if given.i:
        lines = [f"HTTP/1.1 {answer.status} {answer.reason}"]
        lines += [f"{name}: {value}" for name, value in answer.getheaders()]
        sys.stdout.write("\n".join([*lines, "", ""]))
    sys.stdout.write(answer.read().decode())
    connection.close()


def _header(text: str) -> tuple[str, str]:
    name, _, value = text.partition(":")
    return name.strip(), value.strip()


def _part(field: str) -> bytes:
    name, _, value = field.partition("=")
    head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'
    if not value.startswith("@"):
        return f"{head}\r\n\r\n{value}\r\n".encode()
    file = Path(value[1:])
    return f'{head}; filename="{file.name}"\r\n\r\n'.encode() + file.read_bytes() + b"\r\n"


if __name__ == "__main__":
    main(sys.argv[1:])
