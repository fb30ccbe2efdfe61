"""Stands in for curl on machines without it, with the options that the documentation uses."""

import argparse
import sys
from pathlib import Path
from typing import Any

import httpx2


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="curl")
    parser.add_argument("-s", action="store_true")
    parser.add_argument("-S", action="store_true")
    parser.add_argument("-i", action="store_true")
    parser.add_argument("-X", dest="method")
    parser.add_argument("-H", dest="headers", action="append", default=[])
    parser.add_argument("-d", dest="data")
    parser.add_argument("-F", dest="form", action="append", default=[])
    parser.add_argument("url")
    given = parser.parse_intermixed_args(arguments)
    headers = {"User-Agent": "curl/0"} | dict(_header(text) for text in given.headers)
    method = given.method or ("POST" if given.data is not None or given.form else "GET")
    sent = {**_form(given.form), "content": given.data}
    answer = httpx2.request(method, given.url, headers=headers, timeout=60, **sent)
    if given.i:
        lines = [f"HTTP/1.1 {answer.status_code} {answer.reason_phrase}"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        sys.stdout.write("\n".join([*lines, "", ""]))
    sys.stdout.write(answer.text)
    return 0


def _header(text: str) -> tuple[str, str]:
    name, _, value = text.partition(":")
    return name.strip(), value.strip()


def _form(fields: list[str]) -> dict[str, Any]:
    pairs = [field.partition("=")[::2] for field in fields]
    files = {
        name: (Path(value[1:]).name, Path(value[1:]).read_bytes())
        for name, value in pairs
        if value[:1] == "@"
    }
    data = {name: value for name, value in pairs if value[:1] != "@"}
    return {"files": files, "data": data} if files else {}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
