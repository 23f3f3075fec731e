// Good and bad input for an operation, made from its description.
import { JSONSchemaFaker as faker } from 'json-schema-faker';

faker.option({ optionalsProbability: 0.5, fillProperties: false, failOnInvalidTypes: false, useDefaultValue: false, maxItems: 3, reuseProperties: false });

export function dice(seed) {
	let state = seed >>> 0 || 1;
	return () => {
		state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
		return state / 2 ** 32;
	};
}

/** Something that the schema allows. */
export function good(schema, random) {
	faker.option({ random });
	return faker.generate(schema);
}

const HOSTILE = ['', ' ', '\u0000', 'é', '../../etc/passwd', "x'; DROP TABLE app; --", '\u202egnp', 'a'.repeat(5000), '%00', '-1', '\ud800'];

/** Values that this schema of one field does not allow. */
export function wrong(schema) {
	const types = [schema.type ?? []].flat();
	const bad = [];
	if (!types.includes('object')) bad.push({});
	if (!types.includes('array')) bad.push([[]]);
	if (!types.includes('string')) bad.push('x');
	if (!types.includes('integer') && !types.includes('number')) bad.push(7);
	if (!types.includes('boolean')) bad.push(true);
	if (!types.includes('null')) bad.push(null);
	if (types.includes('integer')) {
		bad.push(1.5, 1e300);
		if (schema.minimum !== undefined) bad.push(schema.minimum - 1);
		if (schema.maximum !== undefined) bad.push(schema.maximum + 1);
	}
	if (types.includes('string')) {
		if (schema.minLength > 0) bad.push('');
		if (schema.maxLength !== undefined) bad.push('a'.repeat(schema.maxLength + 1));
		if (schema.enum) bad.push('no-such-value');
		if (schema.pattern) bad.push(...HOSTILE.filter((text) => !new RegExp(schema.pattern, 'u').test(text)));
	}
	if (types.includes('array') && schema.maxItems !== undefined && schema.maxItems < 2000) bad.push(Array.from({ length: schema.maxItems + 1 }, () => 'x'));
	return bad.filter((value) => value !== undefined);
}

/** Every body that differs from a good one in one place, with what is wrong about it. */
export function* wrongBodies(schema, base) {
	for (const [name, field] of Object.entries(schema.properties ?? {})) {
		for (const value of wrong(field)) yield { body: JSON.stringify({ ...base, [name]: value }), what: `${name} = ${JSON.stringify(value).slice(0, 40)}` };
		if (field.type === 'object' && field.properties)
			for (const inner of wrongBodies(field, {})) yield { body: JSON.stringify({ ...base, [name]: JSON.parse(inner.body) }), what: `${name}.${inner.what}` };
		if (field.type === 'array' && field.items?.type === 'object')
			for (const inner of wrongBodies(field.items, {})) yield { body: JSON.stringify({ ...base, [name]: [JSON.parse(inner.body)] }), what: `${name}[0].${inner.what}` };
	}
	for (const name of schema.required ?? []) {
		const { [name]: gone, ...rest } = base;
		yield { body: JSON.stringify(rest), what: `without ${name} (${typeof gone})` };
	}
	if (schema.additionalProperties === false) yield { body: JSON.stringify({ ...base, noSuchField: 1 }), what: 'an unknown field' };
}

/** Bodies that are no JSON object at all. */
export const BROKEN = [
	['', 'nothing'],
	['{', 'half of an object'],
	['[]', 'an array'],
	['null', 'null'],
	['"x"', 'a string'],
	['{"a":1,"a":2}', 'a name twice'],
	['{"a":1e999}', 'a number without end'],
	['{"name":"\\ud800"}', 'half a character'],
	[Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]), 'bytes that are no UTF-8'],
	['['.repeat(100_000), 'a deep nest'],
	['{} {}', 'two objects'],
];

/** For a parameter of a path: names that are not there, and ones that no name may be. */
export const STRANGE = ['no-such-thing', '%00', '%2e%2e', '%ff', 'a%2fb', '%', 'x'.repeat(300), '%27%20OR%201%3D1', '00000000-0000-7000-8000-000000000000', '999999999999999999999', '10.0.0.0%2f99', '256.1.1.1'];
