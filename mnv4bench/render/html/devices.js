// Models across devices: a table whose cells are coloured, so that it reads aloud and prints.
// On the front is blue, off it orange by the ratio; each cell has its text, unknown is hatched.
const MODELS_AT_ONCE = 40;
const DARKEST = 8;
const DEVICES_AT_ONCE = 40;
let modelsShown = MODELS_AT_ONCE, devicesShown = DEVICES_AT_ONCE;

function shade(cell, element) {
  if (cell[0] === 2) { element.className = 'heat unknown'; return; }
  if (cell[0] === 0) { element.className = 'heat front'; return; }
  element.className = 'heat off';
  const share = Math.min(1, Math.log(Math.max(1, cell[1])) / Math.log(DARKEST));
  element.style.setProperty('--off', Math.round(14 + 72 * share) + '%');
}
function heatTable(one) {
  const every = one.columns.map((column, index) => ({index, device: text(column[0]), precision: text(column[1]), machine: text(column[2])}))
    .filter(column => !hidden.device.has(column.device) && !hidden.precision.has(column.precision));
  const columns = every.slice(0, devicesShown);
  const all = rows(one.rows, ['model', 'family', 'on', 'meanText', 'worst']).filter(passes);
  const shown = all.slice(0, modelsShown);
  const origin = text(one.origin);
  const table = make('table', {class: 'heats'},
    make('caption', {class: 'unseen'}, 'Models across devices, ' + origin),
    make('thead', {}, make('tr', {}, make('th', {scope: 'col'}, 'Model'),
      columns.map(column => make('th', {scope: 'col', title: column.machine}, make('span', {}, clipped(column.device)), make('small', {}, column.precision))),
      ['On front', 'Mean', 'Worst'].map(title => make('th', {scope: 'col', class: 'right'}, title)))),
    make('tbody', {}, shown.map(row => make('tr', {}, make('th', {scope: 'row'}, modelLink(row.model)),
      columns.map(column => {
        const cell = row.cells[column.index];
        const said = text(cell[3]);
        const element = make('td', {title: [row.model + ' on ' + column.device + ', ' + column.precision, text(cell[2]), said].filter(Boolean).join(': ')}, text(cell[2]),
          cell[0] !== 2 && said ? make('span', {class: 'unseen'}, ' ' + said) : null);
        shade(cell, element);
        return element;
      }),
      make('td', {class: 'right'}, row.on), make('td', {class: 'right'}, row.meanText), make('td', {class: 'right'}, row.worst)))));
  const rest = all.length - shown.length;
  return make('div', {class: 'tabled'},
    make('h3', {}, every.length === one.columns.length ? text(one.places) : every.length + ' of ' + text(one.places), ' ', originBadge(origin), text(one.objective) === 'latency' ? null : make('span', {class: 'muted small'}, ' over ' + text(one.objective))),
    heatKeys(text(one.objective)),
    make('div', {class: 'scroll fitting', tabindex: '0', role: 'region', 'aria-label': 'Models across devices, ' + origin}, table),
    rest > 0 ? make('button', {type: 'button', onclick: () => { modelsShown += MODELS_AT_ONCE; drawDevices(); }}, 'Show more of ' + plural(rest, 'model')) : null,
    every.length > columns.length ? make('button', {type: 'button', onclick: () => { devicesShown += DEVICES_AT_ONCE; drawDevices(); }}, 'Show more of ' + plural(every.length - columns.length, 'column') + ' not shown') : null,
    make('details', {class: 'small', open: one.notes.length < 8}, make('summary', {}, 'How to read it, and what it says'), make('ul', {}, one.notes.map(line => make('li', {}, text(line))))));
}
function heatKeys(over) {
  const sample = cell => { const box = make('span'); shade(cell, box); box.classList.add('sample'); return box; };
  return make('ul', {class: 'keys'}, make('li', {}, sample([0, 1]), 'on the front'), make('li', {}, sample([1, 1.2]), sample([1, 3]), sample([1, DARKEST]), 'off it; ×1.20 is 20 % more ' + over + ' than the front at that accuracy'),
    make('li', {}, sample([2]), 'unknown'));
}
function drawDevices() {
  const shown = DATA.universality.filter(one => one.columns.length && !hidden.origin.has(text(one.origin)));
  byId('across').replaceChildren(...shown.map(heatTable));
  if (!shown.length) byId('across').append(make('p', {class: 'empty'}, 'Nothing to compare across devices.'));
}
