/** What the generated validators report about one value; the shape is ajv's. */
export interface Violation {
	/** JSON pointer of the value. */
	instancePath: string;
	/** Schema keyword that the value breaks. */
	keyword: string;
	params: {
		type?: string | string[];
		allowedValues?: unknown[];
		missingProperty?: string;
		pattern?: string;
		format?: string;
		minimum?: string;
		maximum?: string;
	};
	/** Set when the fault is in the name of a property, not in its value. */
	propertyName?: string;
}
