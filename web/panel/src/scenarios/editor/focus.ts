// Where the keyboard stands when a test begins, and after a block was added, joined or moved: at that block, in whichever view
// shows it. Svelte Flow hides a new node until it is measured, hence the second frame.

export function focusTestInput(): void {
  document.querySelector<HTMLElement>('[data-testid="test-input"]')?.focus();
}

export function focusBlock(id: string): void {
  requestAnimationFrame(() =>
    requestAnimationFrame(() => {
      const name = CSS.escape(id);
      const place = `[data-outline="${name}"], .svelte-flow__node[data-id="${name}"]`;
      document.querySelector<HTMLElement>(place)?.focus({ preventScroll: false });
    }),
  );
}
