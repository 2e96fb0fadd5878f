"""
The style of the pages, and the headers that hold a browser to it.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256

#: The style of all pages.  It holds none of the characters that HTML would escape.
STYLE = """
:root {
  color-scheme: light dark;
  --page: #f3f4f7; --sheet: #fff; --line: #dfe2ea; --text: #1c2230; --faint: #5c6577;
  --accent: #2f55c8; --code: #eef0f6;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12151c; --sheet: #1b202b; --line: #303746; --text: #e5e8f0;
    --faint: #9aa4b8; --accent: #8fb0ff; --code: #262d3b;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.25rem 1rem 3rem; max-width: 46rem;
  background: var(--page); color: var(--text);
  font: 1rem/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
  overflow-wrap: anywhere;
}
a { color: var(--accent); }
header { display: flex; flex-wrap: wrap; gap: 0 1rem; align-items: baseline; }
header h1, header p:first-child { flex: 1 1 auto; }
h1 { margin: 0 0 .25rem; font-size: 1.5rem; line-height: 1.25; }
header p, footer, .faint { margin: 0 0 .25rem; color: var(--faint); font-size: .875rem; }
main {
  margin: 1rem 0; background: var(--sheet);
  border: 1px solid var(--line); border-radius: .75rem; overflow: hidden;
}
.list { margin: 0; padding: 0; list-style: none; }
.list li + li { border-top: 1px solid var(--line); }
.list a {
  display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 0 1rem;
  padding: .75rem 1rem; color: inherit; text-decoration: none;
}
.list a:hover, .list a:focus-visible { background: var(--code); }
.list .sender { font-weight: 600; }
.list .sender, .list .subject, .list .preview {
  overflow: hidden; white-space: nowrap; text-overflow: ellipsis;
}
.list .subject, .list .preview { grid-column: 1 / -1; }
.list time, .list .preview { color: var(--faint); font-size: .875rem; }
.list time { align-self: center; }
.older { padding: .75rem 1rem; border-top: 1px solid var(--line); text-align: center; }
.sheet { padding: 1.25rem; }
.sheet p:last-child { margin-bottom: 0; }
.sheet h2 { margin: 0 0 .5rem; font-size: 1.25rem; line-height: 1.3; }
.sheet dl { margin: 0; display: grid; grid-template-columns: auto 1fr; gap: 0 .75rem; }
dt { color: var(--faint); }
dd { margin: 0; }
.text {
  margin: 1rem 0 0; padding: 1rem 0 0; border-top: 1px solid var(--line);
  white-space: pre-wrap; unicode-bidi: plaintext;
}
.source { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .875rem; }
.attached { margin: 1rem 0 0; padding: .75rem 0 0; border-top: 1px solid var(--line); }
.attached ul { margin: .25rem 0 0; padding-left: 1.25rem; }
pre {
  margin: .5rem 0 0; padding: .625rem .75rem; background: var(--code); color: var(--text);
  border-radius: .5rem; white-space: pre-wrap;
  font: .8125rem/1.5 ui-monospace, "DejaVu Sans Mono", monospace;
}
"""

_ICON = (
    "%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E"
    "%3Crect x='2' y='6' width='28' height='20' rx='4' fill='%232f55c8'/%3E"
    "%3Cpath d='M5 10l11 8 11-8' fill='none' stroke='white' stroke-width='2.5'/%3E"
    "%3C/svg%3E"
)

#: The icon of all pages, as a URL.
ICON = f"data:image/svg+xml,{_ICON}"

_hash = b64encode(sha256(STYLE.encode("ascii")).digest())

#: The headers of every answer: no script runs, nothing is loaded, no other page shows the
#: page in a frame, and the browser neither stores it nor sends its address to others.
HEADERS = {
    b"Content-Security-Policy": b"default-src 'none'; style-src 'sha256-%b';"
    b" img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    % _hash,
    b"X-Content-Type-Options": b"nosniff",
    b"Referrer-Policy": b"no-referrer",
    b"Cache-Control": b"no-store",
}

__all__ = ["HEADERS", "ICON", "STYLE"]
