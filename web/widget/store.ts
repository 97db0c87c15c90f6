/**
 * What the widget remembers between pages, in localStorage under one prefix for each bot. Where storage is refused
 * (private windows, sandboxed frames, a full quota) it lasts as long as the page: the memory copy is then the only one.
 */

/** Keeps JSON values by name. */
export interface Store {
  get<T>(name: string): T | null;
  /** `null` removes the name. */
  set(name: string, value: unknown): void;
  /** Calls back with the name when another tab changed it. Returns the way to stop. */
  watch(changed: (name: string) => void): () => void;
}

/** A store over localStorage whose keys all begin with `prefix`. */
export function createStore(prefix: string): Store {
  const memory = new Map<string, string>();
  return {
    get(name) {
      let text = memory.get(name);
      try {
        text ??= localStorage.getItem(prefix + name) ?? undefined;
        return text === undefined ? null : JSON.parse(text);
      } catch {
        return null;
      }
    },
    set(name, value) {
      const text = JSON.stringify(value);
      try {
        if (value === null) localStorage.removeItem(prefix + name);
        else localStorage.setItem(prefix + name, text);
        memory.delete(name);
      } catch {
        memory.set(name, text);
      }
    },
    watch(changed) {
      const heard = ({ key }: StorageEvent) => {
        if (key?.startsWith(prefix)) changed(key.slice(prefix.length));
      };
      addEventListener('storage', heard);
      return () => removeEventListener('storage', heard);
    },
  };
}
