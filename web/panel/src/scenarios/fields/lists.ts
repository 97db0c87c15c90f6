// Changing one item of a list without changing the list.

export function replacedAt<T>(list: readonly T[], index: number, item: T): T[] {
  return list.map((old, at) => (at === index ? item : old));
}

export function removedAt<T>(list: readonly T[], index: number): T[] {
  return list.filter((_, at) => at !== index);
}
