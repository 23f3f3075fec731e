// Starting Chromium and small helpers: waiting for what a person would see, never for a time.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import puppeteer from 'puppeteer-core';

const STEP_TIMEOUT_MS = 60_000;

export async function openBrowser({ output, width = 1440, height = 900 }) {
	mkdirSync(output, { recursive: true });
	const browser = await puppeteer.launch({
		executablePath: process.env.SOTALIA_CHROMIUM ?? '/usr/bin/chromium',
		acceptInsecureCerts: true, // the platform's certificate of the first day is its own
		args: ['--no-sandbox', '--disable-gpu', '--lang=en-US', '--force-prefers-reduced-motion', '--ignore-certificate-errors'],
		defaultViewport: { width, height },
	});
	const page = await browser.newPage();
	page.setDefaultTimeout(STEP_TIMEOUT_MS);
	const complaints = [];
	page.on('pageerror', (error) => complaints.push(`page error: ${error.message}`));
	page.on('console', (message) => {
		// A refused read is an answer the test itself may want (401 before sign-in); everything else is a fault.
		if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) {
			const from = message.stackTrace().map(({ url, lineNumber, columnNumber }) => ` at ${url}:${lineNumber}:${columnNumber}`).slice(0, 6).join('');
			complaints.push(`console on ${page.url()}: ${message.text()}${from}`);
		}
	});
	return { browser, page, complaints, output };
}

export function check(condition, what) {
	if (!condition) {
		throw new Error(`not so: ${what}`);
	}
	console.log(`  ok   ${what}`);
}

export async function shoot({ page, output }, name) {
	await page.evaluate(() => document.fonts.ready);
	await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
	await page.screenshot({ path: join(output, `${name}.png`) });
}

/** Clicks the button with exactly this text. */
export async function clickButton(page, text, within = 'body') {
	const handle = await page.waitForFunction(
		(wanted, scope) =>
			[...document.querySelectorAll(`${scope} button`)].find((button) => {
				if (button.textContent.trim() !== wanted || button.disabled || button.offsetParent === null) {
					return false;
				}
				// A dialog that still grows moves its buttons away, and a mask that fades out takes the click: wait until the button rests, on top.
				const box = button.getBoundingClientRect();
				const place = `${box.x} ${box.y} ${box.width}`;
				const rests = button.restedAt === place;
				button.restedAt = place;
				return rests && button.contains(document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2));
			}),
		{},
		text,
		within,
	);
	await handle.asElement().click();
}

/** Follows a link inside the application, as a click would. */
export async function goTo(page, path) {
	const link = `.sot-nav a[href="${path}"]`;
	check((await page.$(link)) !== null, `the menu has ${path}`);
	const found = await page.waitForFunction((where) => {
		const it = document.querySelector(where);
		const box = it.getBoundingClientRect();
		return it.contains(document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2)) && it; // no mask that fades out
	}, {}, link);
	await found.asElement().click();
	await page.waitForFunction((wanted) => location.pathname === wanted, {}, path);
}

/** As somebody who was sent the address of a view. */
export async function openAddress(page, path) {
	await page.goto(new URL(path, page.url()).href, { waitUntil: 'domcontentloaded' });
}

export function textOf(page, selector) {
	return page.$eval(selector, (element) => element.textContent);
}

export async function waitForText(page, selector, pattern) {
	await page.waitForFunction(
		(where, source) => [...document.querySelectorAll(where)].some((element) => new RegExp(source).test(element.textContent)),
		{},
		selector,
		pattern,
	);
}
