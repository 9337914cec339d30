// A table that sorts by any column and shows one page of rows at a time.
const ROWS_A_PAGE = 50;
const ROWS_ON_PAPER = 500;  // where nobody turns a page of a table
const tables = new Set();

// columns: [{title, value: row -> number or text to sort by, cell: row -> node or text, right, acts}];
// what only acts is not for paper.
function sortingTable(caption, columns, options) {
  let all = [], order = null, down = false, first = 0;
  const body = make('tbody');
  const look = column => [column.right && 'right', column.acts && 'screen-only'].filter(Boolean).join(' ') || null;
  const heads = columns.map((column, index) => make('th', {scope: 'col', class: look(column)},
    make('button', {type: 'button', class: column.title.length > 15 ? 'wraps' : null, onclick: () => sort(index)}, column.title)));
  const said = make('span', {class: 'muted', role: 'status'});
  const back = make('button', {type: 'button', onclick: () => turn(-1)}, 'Previous');
  const on = make('button', {type: 'button', onclick: () => turn(1)}, 'Next');
  const pager = make('div', {class: 'pager'}, back, said, on);
  const table = make('table', {}, make('caption', {class: 'unseen'}, caption), make('thead', {}, make('tr', {}, heads)), body);
  const element = make('div', {class: 'tabled'},
    make('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption}, table), pager);

  function sort(index) {
    down = order === index ? !down : false;
    order = index;
    first = 0;
    arrange();
    draw();
    say('Sorted by ' + columns[index].title + (down ? ', descending' : ', ascending'));
  }
  function arrange() {
    if (order === null) return;
    const value = columns[order].value;
    const found = all.map(value);
    const none = one => one === null || one === undefined || one === '';
    // Most texts come again and again: each is compared once, and rows by its rank.
    const texts = [...new Set(found.filter(one => typeof one === 'string'))].sort(collator.compare);
    const ranks = new Map(texts.map((one, rank) => [one, rank]));
    const keyed = all.map((row, place) => [none(found[place]) ? null : typeof found[place] === 'string' ? ranks.get(found[place]) : found[place], place, row]);
    keyed.sort((a, b) => {
      const [x, y] = [a[0], b[0]];
      // What is unknown is last whichever way it is sorted.
      if (x === null || y === null) return (x === null) - (y === null) || a[1] - b[1];
      return (down ? y - x : x - y) || a[1] - b[1];
    });
    all = keyed.map(one => one[2]);
  }
  function turn(by) { first = Math.max(0, Math.min(first + by * ROWS_A_PAGE, all.length - 1)); draw(); }
  function draw() {
    const many = printing ? ROWS_ON_PAPER : ROWS_A_PAGE;
    if (printing) first = 0;
    heads.forEach((head, index) => {
      if (order === index) head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      else head.removeAttribute('aria-sort');
    });
    body.replaceChildren(...all.slice(first, first + many).map(row => make('tr', {},
      columns.map((column, index) => {
        const cell = column.cell(row);
        return make(index ? 'td' : 'th', {class: look(column), scope: index ? null : 'row'}, cell);
      }))));
    if (!all.length) {
      body.replaceChildren(make('tr', {}, make('td', {colspan: columns.length, class: 'muted'}, (options || {}).none || 'Nothing to show with these filters.')));
    }
    const last = Math.min(first + many, all.length);
    pager.hidden = all.length <= many;
    said.textContent = all.length ? (first + 1).toLocaleString('en') + ' to ' + last.toLocaleString('en') + ' of ' + all.length.toLocaleString('en') : '';
    back.disabled = first === 0;
    on.disabled = last >= all.length;
  }
  tables.add(draw);
  return {element, show(rows) { all = rows.slice(); first = 0; arrange(); draw(); }};
}
