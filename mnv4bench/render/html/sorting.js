// A table that sorts by any column and shows one page of rows at a time.
const ROWS_A_PAGE = 50;

// columns: [{title, value: row -> number or text to sort by, cell: row -> node or text, right}]
function sortingTable(caption, columns, options) {
  let all = [], order = null, down = false, first = 0;
  const body = make('tbody');
  const heads = columns.map((column, index) => make('th', {scope: 'col', class: column.right ? 'right' : null},
    make('button', {type: 'button', onclick: () => sort(index)}, column.title)));
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
    const keyed = all.map((row, place) => [value(row), place, row]);
    keyed.sort((a, b) => {
      const [x, y] = [a[0], b[0]];
      const none = one => one === null || one === undefined || one === '';
      // What is unknown is last whichever way it is sorted.
      if (none(x) || none(y)) return none(x) - none(y) || a[1] - b[1];
      const by = typeof x === 'number' && typeof y === 'number' ? x - y
        : String(x).localeCompare(String(y), 'en', {numeric: true});
      return (down ? -by : by) || a[1] - b[1];
    });
    all = keyed.map(one => one[2]);
  }
  function turn(by) { first = Math.max(0, Math.min(first + by * ROWS_A_PAGE, all.length - 1)); draw(); }
  function draw() {
    heads.forEach((head, index) => {
      if (order === index) head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      else head.removeAttribute('aria-sort');
    });
    body.replaceChildren(...all.slice(first, first + ROWS_A_PAGE).map(row => make('tr', {},
      columns.map((column, index) => {
        const cell = column.cell(row);
        return make(index ? 'td' : 'th', {class: column.right ? 'right' : null, scope: index ? null : 'row'}, cell);
      }))));
    if (!all.length) {
      body.replaceChildren(make('tr', {}, make('td', {colspan: columns.length, class: 'muted'}, (options || {}).none || 'Nothing to show with these filters.')));
    }
    const last = Math.min(first + ROWS_A_PAGE, all.length);
    pager.hidden = all.length <= ROWS_A_PAGE;
    said.textContent = all.length ? (first + 1).toLocaleString('en') + ' to ' + last.toLocaleString('en') + ' of ' + all.length.toLocaleString('en') : '';
    back.disabled = first === 0;
    on.disabled = last >= all.length;
  }
  return {element, show(rows) { all = rows.slice(); first = 0; arrange(); draw(); }};
}
