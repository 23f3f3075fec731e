// `npm run mock`: the make-believe platform with the built console, for development without the real services.
import { fileURLToPath } from 'node:url';
import { serveMock } from './mock/server.mjs';
import { seededWorld } from './mock/world.mjs';

const dist = fileURLToPath(new URL('../dist', import.meta.url));
const port = Number(process.env.PORT ?? 7480);
const mock = await serveMock(await seededWorld(), { dist, port });
console.log(`mock platform on ${mock.url}, account admin, password sotalia`);
