/** `list.push(...added)` without the iterator, which a cold process pays for (compile.ts). */
export function append<Item>(list: Item[], added: readonly Item[]): void {
	for (let index = 0; index < added.length; index++) list.push(added[index] as Item);
}
