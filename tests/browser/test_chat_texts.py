"""What the chat page makes of texts: Markdown, hostile texts, deltas; in a real browser."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.hostile_texts import ALL
from tests.browser.visits import Visitor, visitor
from tests.services.server import Server

pytestmark = [pytest.mark.browser, pytest.mark.server]

# The elements and attributes that an answer may become; all else would be somebody's markup.
BARE = "p h3 h4 h5 h6 blockquote ul li table thead tbody tr em strong s br hr"
HARMLESS = {
    "th": "class",
    "td": "class",
    "ol": "start",
    "span": "class",
    "figure": "class",
    "figcaption": "",
    "pre": "tabindex",
    "code": "data-language data-lit",
    "button": "class type",
    "a": "href rel target title",
    "div": "aria-label class role tabindex",
}
CLASSES = {"code", "linklike", "table-box", "to-left", "to-center", "to-right"}

SHOW = """async ([texts, everyCut]) => {
  const { readMarkdown } = await import("/static/js/chat/markdown.js");
  const { showBlocks } = await import("/static/js/chat/markdown-view.js");
  const words = { copy: "Copy", copied: "", notCopied: "", table: "Table" };
  window.ran ??= () => (window.hasRun = (window.hasRun ?? 0) + 1);
  const place = document.createElement("div");
  document.getElementById("turns").append(place);
  const odd = new Set();
  const look = () => {
    for (const one of place.querySelectorAll("*")) {
      odd.add([one.localName, one.namespaceURI.slice(-5), one.getAttributeNames().sort().join(" "),
        one.className].join("|"));
      if (one.href) odd.add("to|" + one.protocol + (one.host === location.host ? "" : one.rel));
    }
  };
  for (const text of texts) {
    place.replaceChildren();
    const letters = [...text];
    for (let end = everyCut ? 1 : letters.length; end <= letters.length; end += 1) {
      const blocks = readMarkdown(letters.slice(0, end).join(""), location.origin);
      showBlocks(place, blocks, words, { final: end === letters.length });
      look();
    }
    await new Promise((done) => setTimeout(done, 0));
    look();
  }
  return [...odd];
}"""
MARKDOWN = """([text]) => import("/static/js/chat/markdown.js").then((module) =>
  module.readMarkdown(text, "https://here.example"))"""


@pytest.fixture(scope="module")
def reader(browser: Browser, shared_server: Server) -> Iterator[tuple[Visitor, Page]]:
    with visitor(browser, shared_server.url) as guest:
        # The way to a server plays no part here.
        guest.context.route_web_socket("**/ws/chat", lambda _socket: None)
        page = guest.open("/asistente/")
        yield guest, page


def test_the_texts_do_run_where_nobody_guards(browser: Browser) -> None:
    """Else the next tests would prove nothing."""
    with visitor(browser, "http://127.0.0.1:9") as guest:
        page = guest.context.new_page()
        page.evaluate(
            """(texts) => {
              window.ran = () => (window.hasRun = (window.hasRun ?? 0) + 1);
              for (const text of texts) {
                const place = document.createElement("div");
                document.body.append(place);
                place.innerHTML = text;
              }
            }""",
            ALL,
        )
        page.wait_for_timeout(300)
        assert page.evaluate("window.hasRun") >= 20


@pytest.mark.parametrize("every_cut", [False, True], ids=["whole", "cut at each letter"])
def test_no_text_becomes_more_than_harmless_elements(
    reader: tuple[Visitor, Page], every_cut: bool
) -> None:
    guest, page = reader
    assert len(ALL) >= 100
    seen = page.evaluate(SHOW, [ALL, every_cut])
    page.wait_for_timeout(100)
    assert {"to|https:noopener noreferrer nofollow", "em|xhtml||"} <= set(seen)  # it does look
    for one in seen:
        if one.startswith("to|"):
            kind = one[3:]
            assert kind in {"http:", "https:noopener noreferrer nofollow"} | {
                "http:noopener noreferrer nofollow"
            }
            continue
        tag, namespace, attributes, classes = one.split("|")
        assert namespace == "xhtml", one
        assert tag in HARMLESS or tag in BARE.split(), one
        assert set(attributes.split()) <= set(HARMLESS.get(tag, "").split()), one
        assert all(name in CLASSES or name.startswith("lit-") for name in classes.split()), one
    assert page.evaluate("window.hasRun ?? 0") == 0
    guest.check(page)  # nothing was fetched elsewhere, and the policy had nothing to refuse


def test_the_browser_itself_refuses_markup_from_text(reader: tuple[Visitor, Page]) -> None:
    """A slip in a script of ours would fail loudly instead of running somebody's text."""
    _guest, page = reader
    fault = page.evaluate(
        """() => {
          try { document.createElement("p").innerHTML = "<b>x</b>"; return ""; }
          catch (error) { window.violations.length = 0; return error.name; }
        }"""
    )
    assert fault == "TypeError"


def test_markdown_becomes_the_tree_that_it_says(reader: tuple[Visitor, Page]) -> None:
    _guest, page = reader

    def tree(text: str) -> Any:
        return page.evaluate(MARKDOWN, [text])

    def node(tag: str, *children: Any, **attrs: str) -> dict[str, Any]:
        return {"tag": tag, "attrs": attrs, "children": list(children)}

    assert tree("# Uno\n\n*dos* **tres** `cuatro`") == [
        node("h3", "Uno"),
        node("p", node("em", "dos"), " ", node("strong", "tres"), " ", node("code", "cuatro")),
    ]
    assert tree("3. a\n4. b") == [node("ol", node("li", "a"), node("li", "b"), start="3")]
    assert tree("```vhdl\nx <= 1;\n```") == [node("pre", "x <= 1;\n", language="vhdl")]
    assert tree("[aquí](/ayuda/) y [no](ayuda/)") == [
        node("p", node("a", "aquí", href="https://here.example/ayuda/"), " y ", "no")
    ]
    assert tree("![una foto](https://x.example/f.png)") == [
        node(
            "p",
            node(
                "a",
                "una foto",
                href="https://x.example/f.png",
                rel="noopener noreferrer nofollow",
                target="_blank",
                title="https://x.example/f.png",
            ),
        )
    ]
    assert tree("a\nb<b>c</b>") == [node("p", "a", "\n", "b<b>c</b>")]
    # A fence that is still open is code already: half an answer does not jump.
    assert tree("```\n**x") == [node("pre", "**x")]


def test_deltas_are_joined_whatever_comes_twice_or_is_missing(
    reader: tuple[Visitor, Page],
) -> None:
    _guest, page = reader
    told = page.evaluate(
        """async () => {
          const { Thread } = await import("/static/js/chat/thread.js");
          const thread = new Thread();
          thread.put({ id: "q", role: "user", text: "?" });
          thread.put({ id: "a", parent: "q", role: "assistant", state: "generating" });
          const how = [
            thread.delta("a", "año 🙂", 0), // five characters, as the server counts them
            thread.delta("a", "🙂 y", 4),
            thread.delta("a", "año", 0),
            thread.delta("a", "después", 9),
            thread.delta("a", " más", 7),
            thread.delta("other", "x", 0),
          ];
          return [how, thread.rows.get("a").text, thread.rows.get("a").points];
        }"""
    )
    assert told == [["taken", "taken", "known", "gap", "taken", "known"], "año 🙂 y más", 11]


def test_a_row_that_comes_late_takes_nothing_back(reader: tuple[Visitor, Page]) -> None:
    _guest, page = reader
    told = page.evaluate(
        """async () => {
          const { Thread } = await import("/static/js/chat/thread.js");
          const thread = new Thread();
          const row = { id: "a", role: "assistant", state: "generating", text: "uno" };
          thread.put({ ...row, text: "uno dos" });
          thread.put(row);
          const grown = thread.rows.get("a").text;
          thread.put({ ...row, text: "uno dos tres", state: "done" });
          thread.put(row);
          return [grown, thread.rows.get("a").text, thread.rows.get("a").state];
        }"""
    )
    assert told == ["uno dos", "uno dos tres", "done"]


def test_branches_are_told_apart(reader: tuple[Visitor, Page]) -> None:
    _guest, page = reader
    told = page.evaluate(
        """async () => {
          const { Thread } = await import("/static/js/chat/thread.js");
          const thread = new Thread();
          const put = (id, parent, role) => thread.put({ id, parent, role, text: id });
          put("q1", null, "user"); put("a1", "q1", "assistant"); put("q2", "a1", "user");
          put("a1b", "q1", "assistant"); put("q1b", null, "user"); put("a3", "q1b", "assistant");
          const shown = () => thread.path().map((row) => row.id).join(" ");
          const all = [shown(), thread.branches("q1b")];
          thread.choose("q1"); all.push(shown(), thread.branches("a1b"));
          thread.choose("a1"); all.push(shown());
          thread.reveal("a3"); all.push(shown());
          thread.remove("q1b"); all.push(shown());
          return all;
        }"""
    )
    assert told == [
        "q1b a3",
        ["q1", "q1b"],
        "q1 a1b",
        ["a1", "a1b"],
        "q1 a1 q2",
        "q1b a3",
        "q1 a1 q2",
    ]
