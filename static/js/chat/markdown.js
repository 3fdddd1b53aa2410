// Markdown to a tree of plain values. Pure: it knows no page, and no HTML is made from text.
//
// A node is a string or {tag, attrs, children}; tags and attributes are those written here and no
// others. What a text says in HTML stays text.
import markdownit from "../../vendor/markdown-it/markdown-it.esm.min.mjs";

const parser = markdownit({ html: false, linkify: true, typographer: false });
parser.linkify.set({ fuzzyLink: false, fuzzyEmail: false });
// Each address goes through `safeAddress` below; what it refuses is told as text.
parser.validateLink = () => true;

const PLAIN = new Set(
  ("p h1 h2 h3 h4 h5 h6 blockquote ul ol li table thead tbody tr th td em strong s code hr br")
    .split(" "),
);

/**
 * The address if a click may lead there: http, https, or a path of this site; else null.
 * `base` is the origin of this site.
 */
export function safeAddress(text, base) {
  const written = text.trim();
  if (!/^(https?:\/\/|\/(?![/\\]))/i.test(written)) return null;
  let url;
  try {
    url = new URL(written, base);
  } catch {
    return null;
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") return null;
  if (url.username || url.password) return null; // a name before @ is there to mislead
  if (written.startsWith("/") && url.origin !== new URL(base).origin) return null;
  return url.href;
}

/** The blocks of a Markdown text. `origin`: of this site, for its paths. */
export function readMarkdown(text, origin) {
  const tokens = parser.parse(text.replaceAll("\0", "\uFFFD"), {});
  return gather(tokens, origin);
}

function gather(tokens, origin) {
  const root = { children: [] };
  const open = [root];
  for (const token of tokens) {
    const inside = open[open.length - 1];
    if (token.nesting < 0) {
      open.pop();
      continue;
    }
    const node = nodeOf(token, origin);
    if (token.nesting > 0) {
      // A tight list's paragraph and a refused link leave only what is in them.
      if (node) inside.children.push(node);
      open.push(node ?? inside);
    } else if (Array.isArray(node)) {
      inside.children.push(...node);
    } else if (node !== null) {
      inside.children.push(node);
    }
  }
  return root.children;
}

function nodeOf(token, origin) {
  switch (token.type) {
    case "inline":
      return gather(token.children, origin);
    case "text":
    case "text_special":
      return token.content;
    case "softbreak":
      return "\n";
    case "code_inline":
      return element("code", {}, [token.content]);
    case "fence":
    case "code_block":
      return codeBlock(token);
    case "link_open":
      return link(token.attrGet("href") ?? "", [], origin);
    case "image":
      return picture(token, origin);
    default:
      return plain(token);
  }
}

function plain(token) {
  if (token.hidden) return null;
  if (!PLAIN.has(token.tag)) return token.nesting > 0 ? null : token.content;
  const attrs = {};
  if (token.tag === "ol") {
    const start = Number(token.attrGet("start") ?? 1);
    if (start !== 1) attrs.start = String(start);
  }
  if (token.tag === "th" || token.tag === "td") {
    const side = /^text-align:(left|center|right)$/.exec(token.attrGet("style") ?? "");
    if (side) attrs.class = `to-${side[1]}`;
  }
  // The page has its one first heading: those of an answer lie below it.
  const heading = /^h([1-6])$/.exec(token.tag);
  return element(heading ? `h${Math.min(6, Number(heading[1]) + 2)}` : token.tag, attrs, []);
}

function codeBlock(token) {
  const language = /^[\w+#.-]{1,30}/.exec(token.info.trim())?.[0] ?? "";
  return element("pre", language ? { language } : {}, [token.content]);
}

function link(address, children, origin) {
  const href = safeAddress(address, origin);
  if (href === null) return null;
  const attrs = { href };
  if (new URL(href).origin !== new URL(origin).origin) {
    attrs.rel = "noopener noreferrer nofollow";
    attrs.target = "_blank";
    attrs.title = href;
  }
  return element("a", attrs, children);
}

// No picture is fetched because an answer names it: that would tell its server who reads.
function picture(token, origin) {
  const address = token.attrGet("src") ?? "";
  const name = token.content || address;
  return link(address, [name], origin) ?? name;
}

function element(tag, attrs, children) {
  return { tag, attrs, children };
}

/** What an answer says without its marks: for the voice and the clipboard of a screen reader. */
export function plainText(blocks) {
  return blocks
    .map((block) => wordsOf(block).trim())
    .filter(Boolean)
    .join("\n");
}

function wordsOf(node) {
  if (typeof node === "string") return node;
  if (node.tag === "br") return "\n";
  const inner = node.children.map(wordsOf).join("");
  return ["li", "tr", "p"].includes(node.tag) ? `${inner}\n` : node.tag === "td" ? `${inner} ` : inner;
}
