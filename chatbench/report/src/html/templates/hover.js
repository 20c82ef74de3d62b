// The figures under the pointer. The page says everything without it.
for (const section of document.querySelectorAll(".timeline")) {
  const data = JSON.parse(section.querySelector(".seconds").textContent);
  const readout = section.querySelector(".readout");
  const plots = [...section.querySelectorAll(".plot")];
  const columns = data.rows[0][2].length;
  const cursors = plots.map((plot) => {
    const cursor = document.createElement("span");
    cursor.className = "cursor";
    plot.append(cursor);
    return cursor;
  });
  const part = (name, text) => {
    const span = document.createElement("span");
    const value = document.createElement("b");
    value.textContent = text;
    span.append(name + " ", value);
    return span;
  };
  const hint = () => {
    readout.textContent = "Point at a chart to read its figures.";
    for (const cursor of cursors) cursor.style.display = "none";
  };
  const show = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    const index = Math.min(columns - 1, Math.max(0, Math.floor(share * columns)));
    const parts = [part("at", data.first + index * data.step + " s")];
    for (const [name, unit, values] of data.rows) {
      if (values[index] !== null) parts.push(part(name, values[index].toLocaleString("en") + unit));
    }
    readout.replaceChildren(...parts);
    for (const cursor of cursors) {
      cursor.style.display = "block";
      cursor.style.left = ((index + 0.5) / columns) * 100 + "%";
    }
  };
  for (const plot of plots) {
    plot.addEventListener("pointermove", show);
    plot.addEventListener("pointerdown", show);
    plot.addEventListener("pointerleave", hint);
  }
  readout.hidden = false;
  hint();
}
