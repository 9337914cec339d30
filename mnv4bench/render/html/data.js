// The page's data, opened: rows as objects, texts by their place.
const DATA = JSON.parse(document.getElementById('data').textContent);
const WORDS = DATA.words;
const STATUS = ['on the front', 'beaten', 'left out'];
const FRONT = 0, DOMINATED = 1, EXCLUDED = 2;
const FLAG = {random: 1, float: 2, measured: 4, synthetic: 8, partial: 16};
const STEP_TEXTS = ['at', 'text', 'taint', 'more'];

function text(place) { return WORDS[place] || ''; }

// Columns to rows; a column of one value stands for all rows.
function rows(table, texts) {
  const names = Object.keys(table);
  const count = Math.max(0, ...names.map(name => table[name].length));
  const made = new Array(count);
  for (let row = 0; row < count; row++) {
    const one = {};
    for (const name of names) {
      const column = table[name];
      const value = column.length === 1 ? column[0] : column[row];
      one[name] = texts.includes(name) ? text(value) : value;
    }
    made[row] = one;
  }
  return made;
}

const GROUPS = rows(DATA.groups, ['device', 'precision', 'origin', 'machine', 'environment', 'axis', 'column', 'measured']);
const POINTS = rows(DATA.points, ['model', 'family', 'cost', 'spread', 'accuracy', 'accuracyFrom', 'shareText', 'placement', 'sizeText', 'reason', 'margin', 'p90Text', 'weights', 'basis']);
const PICKS = rows(DATA.picks, ['best', 'next', 'none', 'said']);
const DETAILS = rows(DATA.details, ['report', 'unit']);
POINTS.forEach((point, place) => {
  point.place = place;
  const group = GROUPS[point.group];
  point.device = group.device;
  point.precision = group.precision;
  point.origin = group.origin;
});
GROUPS.forEach(group => { group.points = []; });
POINTS.forEach(point => GROUPS[point.group].points.push(point));

// The invocations of one measurement; those of all are too many to open at once.
function stepsOf(detail) {
  const names = Object.keys(DATA.steps);
  return Array.from({length: detail.steps}, (_, number) => {
    const step = {};
    for (const name of names) {
      const column = DATA.steps[name];
      const value = column.length === 1 ? column[0] : column[detail.firstStep + number];
      step[name] = STEP_TEXTS.includes(name) ? text(value) : value;
    }
    return step;
  });
}
function factsOf(detail) { return DATA.kinds[detail.facts[0]].map((name, at) => [text(name), text(detail.facts[at + 1])]); }

// An element with its text or children. Text is only ever text: nothing here writes markup.
function make(tag, options, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(options || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name === 'class') element.className = value;
    else if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) element.append(child);
  }
  return element;
}
// A name as long as a page is no name to look at; the page of its model has it whole.
const LONGEST = 90;
function clipped(name) { return name.length > LONGEST ? name.slice(0, LONGEST - 1) + '…' : name; }
const collator = new Intl.Collator('en', {numeric: true});  // device-2 before device-10
function byId(id) { return document.getElementById(id); }
function say(words) { byId('said').textContent = words; }
function plural(count, noun, nouns) { return count.toLocaleString('en') + ' ' + (count === 1 ? noun : nouns || noun + 's'); }
function modelHash(name) { return '#model=' + encodeURIComponent(name); }
function modelLink(name) { return make('a', {href: modelHash(name), class: name.length > 40 ? 'long' : null}, clipped(name)); }
function originBadge(origin) { return make('span', {class: 'origin ' + origin}, origin); }
