"""The built pages, as a browser without a network sees them. `make book` builds them; `make test` does so first.

Where no Chromium is found the browser tests skip, except with CI=true, where they fail.
"""

import os
import shutil
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tools.build_book import HTML

PAGES = sorted(HTML.rglob("*.html")) if HTML.exists() else []
NOT_OURS = {"search.html", "genindex.html", "vendor", "_static"}
BOOK_PAGES = [page for page in PAGES if not NOT_OURS & set(page.parts)]
every_page = pytest.mark.parametrize("page", BOOK_PAGES, ids=[str(p.relative_to(HTML)) for p in BOOK_PAGES])


class Page(HTMLParser):
    """Collects the ids, the links and what a browser would fetch."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.fetched, self.pictures = set(), [], [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.ids |= {attrs[k] for k in ("id", "name") if attrs.get(k)}
        if tag == "a" and attrs.get("href"):
            self.links.append(attrs["href"])
        if attrs.get("src"):
            self.fetched.append(attrs["src"])
        if tag == "link" and attrs.get("rel") != "canonical" and attrs.get("href"):
            self.fetched.append(attrs["href"])
        if tag == "img":
            self.pictures.append((attrs.get("src", ""), attrs.get("alt", "")))


PARSED = {page: Page(page) for page in PAGES}


def is_outside(address):
    return urlsplit(address).scheme in {"http", "https"} or address.startswith("//")


def test_the_book_is_built():
    assert (HTML / "index.html").exists(), "build it first: make book"
    assert len(BOOK_PAGES) >= 8


@every_page
def test_links_and_sources_exist(page):
    for address in PARSED[page].links + PARSED[page].fetched:
        parts = urlsplit(address)
        if parts.scheme in {"http", "https", "mailto", "data", "javascript"} or address.startswith("//"):
            continue
        target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        assert target.exists(), f"{address} leads nowhere"
        if parts.fragment and target in PARSED:
            assert unquote(parts.fragment) in PARSED[target].ids | {"", "top"}, f"{address}: no such anchor"


@every_page
def test_fetches_nothing_from_elsewhere(page):
    assert [address for address in PARSED[page].fetched if is_outside(address)] == []
    assert "unpkg.com" not in page.read_text(encoding="utf-8")


@every_page
def test_pictures_have_alt_text(page):
    for source, alt in PARSED[page].pictures:
        assert alt and not alt.startswith(("../_images", "_images")) and "/" not in alt[:12], f"{source}: alt {alt!r}"


def chromium():
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
    found = [os.environ.get("CHROMIUM"), *map(shutil.which, names)]
    found += ["/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"]
    return next((path for path in found if path and Path(path).exists()), None)


@pytest.fixture(scope="module")
def browser():
    path = chromium()
    if path is None:
        message = "no Chromium found; install it or name it in the environment variable CHROMIUM"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)
    from playwright.sync_api import sync_playwright

    flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"]
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=flags)
        yield running
        running.close()


def open_page(browser, page, width):
    """Open a page from its file, all else refused; return it with what it complained of and asked for."""
    context = browser.new_context(viewport={"width": width, "height": 900})
    tab, complaints, asked = context.new_page(), [], []

    def only_files(route):
        address = route.request.url
        if address.startswith(("file:", "data:", "blob:")):
            return route.continue_()
        asked.append(address)
        return route.abort()

    context.route("**/*", only_files)
    tab.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.goto(page.as_uri(), wait_until="load")
    tab.wait_for_function("() => !window.MathJax?.startup?.promise || MathJax.startup.promise.then(() => true)")
    return context, tab, complaints, asked


@every_page
def test_opens_without_a_network(browser, page):
    context, tab, complaints, asked = open_page(browser, page, 1400)
    formulas, rendered, broken = tab.evaluate(
        "() => [document.querySelectorAll('.math').length, document.querySelectorAll('.math mjx-container').length,"
        " document.querySelectorAll('mjx-merror').length]"
    )
    # Pictures below the fold may load late; a broken one has finished and has no width.
    pictures = tab.evaluate("() => [...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)")
    context.close()
    assert complaints == [] and asked == []
    assert rendered >= formulas and broken == 0, f"{rendered} of {formulas} formulas rendered, {broken} broken"
    assert pictures == []


@every_page
def test_does_not_scroll_sideways_on_a_telephone(browser, page):
    context, tab, _, _ = open_page(browser, page, 400)
    width = tab.evaluate("() => document.documentElement.scrollWidth")
    wide = tab.evaluate(
        "() => [...document.querySelectorAll('.bd-article *')].filter(e => e.getBoundingClientRect().right > 401)"
        ".slice(0, 5).map(e => e.tagName + '.' + e.className)"
    )
    context.close()
    assert width <= 400, f"{width} px wide; sticking out: {wide}"
