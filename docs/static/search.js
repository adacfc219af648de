// A search over the texts of all sections, which are loaded as a script: a page that is opened from
// a folder may fetch nothing. It takes the place of Sphinx's search and keeps its form and list.

// Lower case, with blanks for hyphens and underscores: "leave-one-out" finds "leave_one_out".
const plain = (text) => text.toLowerCase().replace(/[-_\u2010\u2011]/g, " ");

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

// Where a word begins; Chinese is written without blanks, so that a word may begin anywhere.
function pattern(words) {
  const start = /^[\x00-\x7f]/.test(words) ? "(?<![a-z0-9])" : "";
  return new RegExp(start + escaped(words), "g");
}

const count = (text, words) => (text.match(pattern(words)) || []).length;

// How well a section answers: the whole phrase counts most, in titles more than in texts.
function scoreOf([, page, title, text, weight], phrase, words) {
  const all = plain(`${page} ${title} ${text}`);
  if (!words.every((word) => count(all, word))) return 0;
  const inTitles = 10 * Math.min(1, count(plain(page), phrase)) + 8 * Math.min(1, count(plain(title), phrase));
  return weight * (1 + inTitles + 3 * Math.min(4, count(plain(text), phrase)));
}

// The best section of each page, and a little for every other section that answers too.
function find(query) {
  const phrase = plain(query).trim().replace(/\s+/g, " ");
  const words = phrase.split(" ").filter(Boolean);
  const pages = new Map();
  if (!words.length) return [];
  for (const part of SEARCH_TEXTS) {
    const score = scoreOf(part, phrase, words);
    if (!score) continue;
    const name = part[0].split("#")[0];
    const page = pages.get(name) || { score: 0, sum: 0 };
    page.sum += score;
    if (score > page.score) Object.assign(page, { score, part });
    pages.set(name, page);
  }
  const rank = (page) => page.score + 0.2 * page.sum;
  return [...pages.values()].sort((a, b) => rank(b) - rank(a));
}

// Some words around the first place where the phrase, or else a word of it, stands.
function snippet(text, phrase, words) {
  const lower = plain(text);
  const known = [phrase, ...words].find((term) => count(lower, term)) || "";
  const at = known ? lower.search(pattern(known)) : 0;
  const from = at > 80 ? text.indexOf(" ", at - 80) + 1 : 0;
  const context = document.createElement("p");
  context.className = "context";
  const mark = document.createElement("mark");
  mark.textContent = text.slice(at, at + known.length);
  context.append(from ? "… " : "", text.slice(from, at), mark, text.slice(at + known.length, at + 160), " …");
  return context;
}

function show(query) {
  const out = document.getElementById("search-results");
  const phrase = plain(query).trim().replace(/\s+/g, " ");
  const found = find(query);
  const title = document.createElement("h2");
  title.textContent = "Search results";
  const summary = document.createElement("p");
  summary.className = "search-summary";
  summary.textContent = found.length
    ? `${found.length} ${found.length === 1 ? "page has" : "pages have"} these words.`
    : "No page has all of these words. Try fewer words, or the beginning of a word.";
  const list = document.createElement("ul");
  list.className = "search";
  for (const { part } of found) {
    const [address, page, section, text] = part;
    const link = document.createElement("a");
    link.href = address;
    link.textContent = section === page || page.endsWith(` ${section}`) ? page : `${page}: ${section}`;
    const item = document.createElement("li");
    item.append(link, snippet(text, phrase, phrase.split(" ")));
    list.append(item);
  }
  out.replaceChildren(title, summary, list);
}

document.addEventListener("DOMContentLoaded", () => {
  if (typeof Search === "undefined") return;
  Search.performSearch = (query) => {
    const texts = document.createElement("script");
    texts.src = "_static/search_texts.js";
    texts.onload = () => show(query);
    document.body.append(texts);
  };
});
