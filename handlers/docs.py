"""The OpenAPI document for people: every call on one page, without scripts."""

import html
import json
from collections.abc import Iterable
from typing import Any

from handlers.openapi import Route, document
from server import __version__


def as_page(routes: Iterable[Route]) -> str:
    """The document for people: every call with its fields and answers, on one page, without scripts."""
    described = document(routes)
    schemas = described["components"]["schemas"]
    parts = [_HEAD, f"<h1>{html.escape(described['info']['title'])} <small>{__version__}</small></h1>"]
    parts.append(f"<p>{html.escape(described['info']['description'])} ")
    parts.append('The same as <a href="/openapi.json">OpenAPI 3.1</a>.</p><nav><ul>')
    entries = [
        (path, method, entry) for path, ways in described["paths"].items() for method, entry in ways.items()
    ]
    for path, method, entry in entries:
        name = f"{method.upper()} {path}"
        parts.append(f'<li><a href="#{entry["operationId"]}">{html.escape(name)}</a></li>')
    parts.append("</ul></nav>")
    for path, method, entry in entries:
        parts.append(_section(path, method, entry))
    parts.append("<h2>Shapes</h2>")
    for name, schema in sorted(schemas.items()):
        parts.append(f'<h3 id="{html.escape(name)}">{html.escape(name)}</h3>')
        parts.append(f"<pre>{html.escape(json.dumps(schema, indent=2, ensure_ascii=False))}</pre>")
    return "".join(parts) + "</main></html>"


def _section(path: str, method: str, entry: dict[str, Any]) -> str:
    rows = []
    for parameter in entry["parameters"]:
        must = "required" if parameter["required"] else "optional"
        kind = html.escape(json.dumps(parameter["schema"], ensure_ascii=False))
        rows.append(
            f"<tr><td>{parameter['name']}</td><td>{parameter['in']}, {must}</td>"
            f"<td><code>{kind}</code></td></tr>"
        )
    if "requestBody" in entry:
        taken = entry["requestBody"]["content"]
        body = ", ".join(
            _linked(shape["schema"]) if kind == "application/json" else html.escape(kind)
            for kind, shape in taken.items()
        )
        rows.append(f"<tr><td>body</td><td>required</td><td>{body}</td></tr>")
    for status, answer in entry["responses"].items():
        contents: list[Any] = list(answer.get("content", {}).values())
        content = contents[0].get("schema", {}) if contents else {}
        rows.append(f"<tr><td>{status}</td><td>{answer['description']}</td><td>{_linked(content)}</td></tr>")
    who = {
        "resident": "a resident with a session",
        "partner": "a partner, signed",
        "staff": "staff with a session",
        "federation": "the national router, signed",
    }.get(entry["tags"][0], "anybody")
    scope = f", scope <code>{entry['x-scope']}</code>" if "x-scope" in entry else ""
    return (
        f'<section id="{entry["operationId"]}"><h2><code>{method.upper()} {html.escape(path)}</code></h2>'
        f"<p>{html.escape(entry['summary'])}. For {who}{scope}.</p><table>{''.join(rows)}</table></section>"
    )


def _linked(schema: dict[str, Any]) -> str:
    name = str(schema.get("$ref", "")).rsplit("/", 1)[-1]
    return (
        f'<a href="#{html.escape(name)}">{html.escape(name)}</a>'
        if name
        else html.escape(str(schema.get("type", "")))
    )


_HEAD = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>API</title>
<link rel="stylesheet" href="/docs/style.css"><main>"""

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1B1F23; margin: 0 }
main { max-width: 960px; margin: auto; padding: 24px }
a { color: #0B6B5D }
h1 small { color: #57606A; font-size: .5em }
h2 code { font-size: .8em }
section { border-top: 1px solid #d0d7de; margin-top: 24px }
table { border-collapse: collapse; width: 100% }
td { border-bottom: 1px solid #eaeef2; padding: 6px 12px 6px 0; vertical-align: top; overflow-wrap: anywhere }
pre { background: #f6f8fa; padding: 12px; overflow: auto }
"""
