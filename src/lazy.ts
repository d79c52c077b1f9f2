/**
 * A value that is made at its first use. Tables in module scope are made at every start of the program, whether it asks
 * for them or not, and cold: an object of three properties takes about 4000 instructions, a Set the first time 60000. So
 * what only an error, a rare option or another command looks at is lazy. Arrays of strings and numbers are free.
 */
export function lazy<Value>(make: () => Value): () => Value {
	let made: { value: Value } | undefined;
	return () => {
		made ??= { value: make() };
		return made.value;
	};
}
