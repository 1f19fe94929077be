"use strict";
// Plays the film in #film: which text every token has from which frame on.
const { steps, total, corrections, texts, ends, end, tokens } = JSON.parse(document.getElementById("film").textContent);
const [MASK, END] = [0, 1];
// Frames until the flash of a new token has faded.
const FLASH = 9;
// Widths of a mask that was never filled, of a mark, and of a token without letters, in em.
const [UNKNOWN, MARK, EMPTY] = [2, 0.7, 0.12];
// Smallest letters in a line without room.
const SMALLEST = 0.55;
const PLAY = "M6 3.5 16 10 6 16.5Z";
const PAUSE = "M5 4h3.4v12H5zM11.6 4H15v12h-3.4z";

const $ = (id) => document.getElementById(id);
const last = steps.length - 1;
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const pen = document.createElement("canvas").getContext("2d");
const family = getComputedStyle($("lines")).fontFamily;

// Width of a text in em.
const known = new Map();
const measure = (text, bold) => {
  const font = `${bold ? 600 : 400} 100px ${family}`;
  const key = font + text;
  if (!known.has(key)) {
    pen.font = font;
    known.set(key, pen.measureText(text).width / 100);
  }
  return known.get(key);
};
const SPACE = measure(" ", false);

const make = (name, className, parent) => {
  const element = document.createElement(name);
  element.className = className;
  parent.append(element);
  return element;
};

// What is seen of a token: nothing of spaces around it, a sign for a line break.
const seen = (text) => {
  const string = texts[text];
  return string.trim() || (string.includes("\n") ? "↵" : "");
};

const isBreak = (text) => !texts[text].trim() && texts[text].includes("\n");

const isSpaced = (text) => /^ /.test(texts[text]);

// Width of what a token shows, in em.
const widthOf = (text, bold) => {
  if (text === MASK) return UNKNOWN;
  if (text === END || isBreak(text)) return MARK;
  return Math.max(measure(seen(text), bold), EMPTY);
};

// Boxes for all tokens, in words: what no space stands between stays on one line.
const lines = $("lines");
const boxes = [];
const lay = () => {
  lines.replaceChildren();
  let word = null;
  let breaks = 0;
  let opens = true;
  tokens.forEach(({ given, changes }, position) => {
    const text = changes.at(-1)[1];
    const string = texts[text];
    const apart = text === MASK || text === END;
    let paragraph = false;
    if (breaks && !isBreak(text)) {
      make("br", "", lines);
      paragraph = breaks > 1;
      breaks = 0;
      opens = true;
    }
    const begins = opens || apart || /^\s/.test(string);
    if (begins) {
      if (word) lines.append(" ");
      word = make("span", "word", lines);
    }
    const element = make("span", paragraph ? "token paragraph" : "token", word);
    const letters = make("span", "letters", element);
    boxes.push({ element, letters, word: begins ? word : null, width: widthOf(text, given), text, paragraph, shown: "" });
    breaks += string.split("\n").length - 1;
    opens = apart;
    if (position === end && position + 1 < tokens.length) {
      const ending = make("div", "ending", lines);
      make("span", "note", ending).textContent = "The text ends here.";
      [word, breaks] = [null, 0];
    }
  });
};

// The browser breaks the lines of the last frame; then they hold, and are shorter than the sheet
// where other words stood before.
const rewritten = tokens.some(({ changes }) => changes.some(([, text]) => text !== MASK && text !== changes.at(-1)[1]));
let limit = 0;
const wrap = () => {
  lines.classList.remove("held");
  lines.classList.toggle("spare", rewritten);
  for (const turn of lines.querySelectorAll(".turn")) turn.remove();
  for (const box of boxes) {
    fit(box, 0, box.width, 1);
    box.shown = "";
  }
  const tops = boxes.map(({ element }) => element.offsetTop);
  boxes.forEach((box, position) => {
    box.first = position === 0 || tops[position] > tops[position - 1];
    const before = box.word?.previousElementSibling;
    if (box.first && before?.className === "word") box.word.before(make("br", "turn", lines));
  });
  lines.classList.remove("spare");
  lines.classList.add("held");
  limit = lines.clientWidth / Number.parseFloat(getComputedStyle(lines).fontSize);
};

const fit = ({ element, letters }, gap, width, size) => {
  element.style.marginLeft = `${gap.toFixed(3)}em`;
  element.style.width = `${width.toFixed(3)}em`;
  letters.style.fontSize = `${size.toFixed(3)}em`;
};

// Space before and width of every token: within its line, each takes the room that it needs, and
// where that is too much, those give way that are wider than what replaces them.
const places = (now) => {
  const out = boxes.map((box, position) => {
    const text = now[position][1];
    if (text === MASK || text === box.text) return { gap: 0, width: box.width };
    // Before a word, a space stands in the text.
    const gap = box.first ? 0 : SPACE * (isSpaced(text) - Boolean(box.word));
    return { gap, width: widthOf(text, tokens[position].given) };
  });
  for (let from = 0; from < out.length; ) {
    let to = from + 1;
    while (to < out.length && !boxes[to].first) to += 1;
    let [line, wider] = [0, 0];
    for (let i = from; i < to; i += 1) {
      line += out[i].gap + out[i].width + (boxes[i].word && i > from ? SPACE : 0);
      if (out[i].width > boxes[i].width) wider += out[i].width;
    }
    const scale = wider ? Math.min(1, Math.max(SMALLEST, 1 - (line - limit) / wider)) : 1;
    for (let i = from; i < to; i += 1) {
      if (out[i].width > boxes[i].width) out[i].width = Math.max(scale * out[i].width, boxes[i].width);
    }
    from = to;
  }
  return out;
};

// Index of the change that a token shows at a frame.
const changeAt = (changes, frame) => {
  let at = 0;
  while (at + 1 < changes.length && changes[at + 1][0] <= frame) at += 1;
  return at;
};

// Where the text ends at a frame: the first end of text behind all that was given.
const given = tokens.findLastIndex((token) => token.given);
const endAt = (now) => {
  if (!ends) return tokens.length;
  const at = now.findIndex(([, text], position) => position > given && text === END);
  return at < 0 ? tokens.length : at;
};

let head = 0;
let timer = 0;

const draw = (frame, moving) => {
  const now = tokens.map(({ changes }) => changes[changeAt(changes, frame)]);
  const stop = endAt(now);
  const room = places(now);
  tokens.forEach((token, position) => {
    const { changes } = token;
    const [, text, tenths] = now[position];
    let at = changeAt(changes, frame);
    while (at > 0 && changes[at - 1][1] === text) at -= 1;
    const born = changes[at][0];
    const box = boxes[position];
    const kind = token.given ? "given" : text === MASK ? "masked" : "written";
    let names = `token ${kind}`;
    if (kind === "written" && born > 0) {
      if (moving && frame - born < FLASH) names += born % 2 ? " flash-odd" : " flash-even";
      if (!moving && born === frame && frame < last) names += " lit";
    }
    const letters = seen(text);
    if (kind === "written" && letters) names += ` sure-${tenths}`;
    if (token.pinned !== null && token.pinned <= steps[frame]) names += " pinned";
    if (position > stop) names += " dim";
    if (text === END && !token.given) names += " end";
    if (isBreak(text)) names += " break";
    if (box.paragraph) names += " paragraph";
    const { gap, width } = room[position];
    const shown = `${names}|${letters}|${gap}|${width}`;
    if (shown === box.shown) return;
    box.shown = shown;
    box.element.className = names;
    box.letters.textContent = letters;
    const natural = text === MASK ? width : widthOf(text, token.given);
    const size = isBreak(text) ? MARK : Math.min(1, width / natural);
    fit(box, gap, width, size);
  });
};

const show = (frame, moving = false) => {
  head = Math.min(Math.max(frame, 0), last);
  draw(head, moving);
  $("scrubber").value = head;
  const correcting = corrections > 0 && steps[head] > total;
  const [done, of] = correcting ? [steps[head] - total, corrections] : [steps[head], total];
  $("scrubber").setAttribute("aria-valuetext", `${correcting ? "correction" : "step"} ${done} of ${of}`);
  $("now").textContent = (correcting ? "+" : "") + done;
  $("total").textContent = of;
  $("back").disabled = head === 0;
  $("forward").disabled = head === last;
};

const label = () => {
  const name = timer ? "Pause" : "Play";
  $("sign").setAttribute("d", timer ? PAUSE : PLAY);
  $("play").setAttribute("aria-label", name);
  $("play").title = `${name} (space)`;
};

const pause = () => {
  clearTimeout(timer);
  timer = 0;
  label();
};

// Steps that change nothing are not waited for.
const changing = new Set(tokens.flatMap(({ changes }) => changes.map(([frame]) => frame)));
const tick = () => {
  timer = 0;
  let next = head + 1;
  while (next < last && !changing.has(next)) next += 1;
  show(next, true);
  if (head < last) timer = setTimeout(tick, 1000 / $("pace").value);
  label();
};

const play = (from) => {
  pause();
  show(from, true);
  timer = setTimeout(tick, 1000 / $("pace").value);
  label();
};

const seek = (frame) => {
  pause();
  show(frame);
};

const toggle = () => {
  if (timer) seek(head);
  else play(head < last ? head : 0);
};

$("play").addEventListener("click", toggle);
$("back").addEventListener("click", () => seek(head - 1));
$("forward").addEventListener("click", () => seek(head + 1));
$("again").addEventListener("click", () => play(0));
$("scrubber").max = last;
$("scrubber").addEventListener("input", (event) => seek(Number(event.target.value)));
document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || target.tagName === "SELECT") return;
  const slides = target.tagName === "INPUT";
  if (key === " " && target.tagName !== "BUTTON") toggle();
  else if (key === "," || (key === "ArrowLeft" && !slides)) seek(head - 1);
  else if (key === "." || (key === "ArrowRight" && !slides)) seek(head + 1);
  else if (key === "Home" && !slides) seek(0);
  else if (key === "End" && !slides) seek(last);
  else return;
  event.preventDefault();
});

lay();
wrap();
let wide = $("paper").clientWidth;
new ResizeObserver(() => {
  if ($("paper").clientWidth === wide) return;
  wide = $("paper").clientWidth;
  wrap();
  show(head, timer !== 0);
}).observe($("paper"));
// Who wants no motion sees the text, and plays it by hand.
if (calm.matches) seek(last);
else play(0);
