/** Short messages about what just happened. They are announced politely and leave by themselves after 5 seconds. */
export interface ToastItem {
  id: number;
  text: string;
  tone: 'ok' | 'bad';
}

const STAYS_MS = 5000;
let nextId = 1;
const items = $state<ToastItem[]>([]);

/** The messages on show, oldest first. */
export function toasts(): readonly ToastItem[] {
  return items;
}

export function toast(text: string, tone: ToastItem['tone'] = 'ok'): void {
  const id = nextId++;
  items.push({ id, text, tone });
  setTimeout(() => dismiss(id), STAYS_MS);
}

export function dismiss(id: number): void {
  const index = items.findIndex((item) => item.id === id);
  if (index >= 0) items.splice(index, 1);
}
