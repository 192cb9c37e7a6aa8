"""Build the HTML from the stored outputs; no notebook runs. Warnings are errors. Prints the file to open."""

import re
import subprocess
import sys
import time

from tools.notebooks import ROOT

HTML = ROOT / "_build" / "html"
# The theme names a content network in a constant on every page, for a feature that the book does not use.
THEBE = re.compile(r"<script>\s*const THEBE_JS_URL.*?</script>", re.DOTALL)


def build():
    run = "from jupyter_book.cli.main import main; main()"
    options = ["--warningiserror", "--nitpick", "--keep-going", "--quiet"]
    return subprocess.run([sys.executable, "-c", run, "build", str(ROOT), *options], cwd=ROOT, check=False).returncode


def strip_thebe(html=HTML):
    """Take the unused Thebe constant out of every page, so that no page names an address it could ask."""
    for page in html.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        if (stripped := THEBE.sub("", text)) != text:
            page.write_text(stripped, encoding="utf-8")


def main():
    started = time.perf_counter()
    if code := build():
        sys.exit(code)
    strip_thebe()
    print(f"Built in {time.perf_counter() - started:.0f} s. Open {HTML / 'index.html'}")


if __name__ == "__main__":
    main()
