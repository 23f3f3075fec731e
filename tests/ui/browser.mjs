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

const CLICKS_MAX = 10;

/**
 * Waits until an element of the selector, with exactly this text unless it is null, rests on top, and clicks it with the mouse. What moved away
 * meanwhile was not hit: it is clicked again, as a person would.
 */
async function press(page, selector, text) {
	for (let turn = 0; turn < CLICKS_MAX; turn += 1) {
		const handle = await page.waitForFunction((where, wanted) => {
			const found = [...document.querySelectorAll(where)].find((one) => one.getClientRects().length > 0 && !one.disabled && (wanted === null || one.textContent.trim() === wanted));
			if (!found) {
				return false;
			}
			found.scrollIntoView({ block: 'nearest', inline: 'nearest' });
			// A mask above it takes the click, and what a late answer moves is not where it was.
			const box = found.getBoundingClientRect();
			const place = `${box.x} ${box.y} ${box.width}`;
			const rests = found.restedAt === place;
			found.restedAt = place;
			return rests && found.contains(document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2)) && found;
		}, {}, selector, text);
		const element = handle.asElement();
		try {
			await element.evaluate((one) => {
				one.wasHit = false;
				one.addEventListener('click', () => { one.wasHit = true; }, { capture: true, once: true });
			});
			await element.click();
		} catch {
			continue; // drawn anew between two steps
		}
		// Where the click has led to another document, the element went with the old one.
		if (await element.evaluate((one) => one.wasHit).catch(() => true)) {
			return;
		}
	}
	throw new Error(`${CLICKS_MAX} clicks missed ${selector} ${text ?? ''}`);
}

/** Clicks the button with exactly this text. */
export function clickButton(page, text, within = 'body') {
	return press(page, `${within} button`, text);
}

/** Clicks the first visible element of the selector. */
export function click(page, selector) {
	return press(page, selector, null);
}

const OPENS_MAX = 5;

/**
 * Opens the list of a select, whose pattern is the source of a regular expression, and takes the first option that matches. A list that closed again,
 * because the dialog around it took the focus meanwhile, is opened again, as a person would.
 */
export async function choose(page, select, pattern) {
	for (let turn = 0; turn < OPENS_MAX; turn += 1) {
		await click(page, select);
		const taken = await page.waitForFunction((source) => {
			const option = [...document.querySelectorAll('.ant-select-item-option')].find((one) => one.offsetParent && new RegExp(source).test(one.textContent));
			option?.click();
			return Boolean(option);
		}, { timeout: 5_000 }, pattern).then(() => true, () => false);
		if (taken) {
			return;
		}
	}
	throw new Error(`${select}: opened ${OPENS_MAX} times, no option matches ${pattern}`);
}

/** Follows a link inside the application, as a click would. */
export async function goTo(page, path) {
	const link = `.sot-nav a[href="${path}"]`;
	check((await page.$(link)) !== null, `the menu has ${path}`);
	await click(page, link);
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
