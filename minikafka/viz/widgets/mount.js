// A widget on a page without a kernel: an anywidget's module needs little more than a model with
// `get`, `set` and `on`, and a few lines stand in for the kernel's side.
async function mount(source, state, el) {
  const heard = {}, nothing = () => {};
  const model = {
    get: name => state[name],
    set(name, value) {
      if (state[name] === value) return;
      state[name] = value;
      (heard[`change:${name}`] ?? []).forEach(listener => listener());
    },
    on: (event, listener) => { (heard[event] ??= []).push(listener); },
    off: (event, listener) => { heard[event] = (heard[event] ?? []).filter(l => l !== listener); },
    save_changes: nothing,
    send: nothing,
  };
  const blob = new Blob([source], { type: "text/javascript" });
  const widget = await import(URL.createObjectURL(blob));
  widget.default.render({ model, el });
  return { model, widget };
}
