// What is shown: families, devices, precisions, origins, and a part of a name.
const KINDS = ['family', 'device', 'precision', 'origin'];
const TITLES = {family: 'Families', device: 'Devices', precision: 'Precisions', origin: 'Origins'};
const hidden = {family: new Set(), device: new Set(), precision: new Set(), origin: new Set()};
let sought = '';
const onFilter = [];

function values(kind) {
  const found = new Set(POINTS.map(point => point[kind]));
  if (DATA.history) DATA.history.series.forEach(one => found.add(text(one[kind])));
  return [...found];
}
function passes(one) {
  return KINDS.every(kind => one[kind] === undefined || !hidden[kind].has(one[kind]))
    && (!sought || one.model === undefined || one.model.toLowerCase().includes(sought));
}
function groupPasses(group) {
  return ['device', 'precision', 'origin'].every(kind => !hidden[kind].has(group[kind]));
}
function set(kind, value, on) {
  if (on) hidden[kind].delete(value); else hidden[kind].add(value);
  changed();
}
function changed() {
  const shown = POINTS.filter(passes).length;
  byId('shown').textContent = shown === POINTS.length ? 'All ' + plural(shown, 'entry', 'entries') + ' shown.'
    : shown.toLocaleString('en') + ' of ' + plural(POINTS.length, 'entry', 'entries')
      + ' shown. Who beats whom is as judged among all; filtering hides, it does not judge anew.';
  syncControls();
  onFilter.forEach(draw => draw());
}
function syncControls() {
  for (const box of document.querySelectorAll('#menus input[type=checkbox]')) {
    box.checked = !hidden[box.dataset.kind].has(box.value);
  }
  for (const chip of document.querySelectorAll('#families button[data-family]')) {
    chip.setAttribute('aria-pressed', String(!hidden.family.has(chip.dataset.family)));
  }
  for (const menu of document.querySelectorAll('#menus details')) {
    const kind = menu.dataset.kind;
    const all = menu.querySelectorAll('input').length;
    const off = hidden[kind].size;
    menu.querySelector('b').textContent = off ? (all - off) + ' of ' + all : 'all';
  }
  byId('reset').hidden = !sought && KINDS.every(kind => !hidden[kind].size);
}
function drawChips() {
  byId('families').replaceChildren(...values('family').sort(collator.compare).map(family =>
    make('button', {type: 'button', class: 'chip', 'data-family': family, 'aria-pressed': String(!hidden.family.has(family)),
      onclick: () => set('family', family, hidden.family.has(family))}, familyMark(family), make('span', {}, clipped(family)))));
}
function menu(kind) {
  const found = values(kind).sort(collator.compare);
  const box = make('details', {class: 'menu', 'data-kind': kind},
    make('summary', {}, TITLES[kind] + ' ', make('b', {}, 'all')),
    make('fieldset', {class: 'choices'}, make('legend', {class: 'unseen'}, TITLES[kind]),
      make('div', {class: 'both'},
        make('button', {type: 'button', onclick: () => { hidden[kind].clear(); changed(); }}, 'All'),
        make('button', {type: 'button', onclick: () => { found.forEach(one => hidden[kind].add(one)); changed(); }}, 'None')),
      found.map(value => make('label', {},
        make('input', {type: 'checkbox', value: value, 'data-kind': kind, checked: true,
          onchange: event => set(kind, value, event.target.checked)}), make('span', {}, clipped(value))))));
  box.addEventListener('keydown', event => {
    if (event.key === 'Escape') { box.open = false; box.querySelector('summary').focus(); }
  });
  // Who tabs on is done with it.
  box.addEventListener('focusout', event => { if (event.relatedTarget && !box.contains(event.relatedTarget)) box.open = false; });
  return box;
}
function buildFilters() {
  drawChips();
  const search = make('input', {type: 'search', id: 'search', placeholder: 'Model name', 'aria-label': 'Part of a model name'});
  let waiting = 0;
  search.addEventListener('input', () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { sought = search.value.trim().toLowerCase(); changed(); }, 150);
  });
  byId('menus').append(...KINDS.slice(1).map(menu), search,
    make('button', {type: 'button', id: 'reset', hidden: true, onclick: () => {
      KINDS.forEach(kind => hidden[kind].clear());
      sought = ''; search.value = '';
      changed();
    }}, 'Reset'));
  document.addEventListener('click', event => {
    for (const open of document.querySelectorAll('#menus details[open]')) {
      if (!open.contains(event.target)) open.open = false;
    }
  });
}
