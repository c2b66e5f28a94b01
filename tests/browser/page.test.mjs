// The HTML pages of `waypost diff` in headless Chromium, opened from a file as a reviewer opens it.
//
//   npm ci && WAYPOST=../../target/release/waypost node --test page.test.mjs
//
// SCREENSHOTS=docs/images writes the pictures of the documentation anew.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const project = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const waypost = resolve(process.env.WAYPOST ?? join(project, "target/release/waypost"));
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const folder = mkdtempSync(join(tmpdir(), "waypost-page-"));
const pictures = process.env.SCREENSHOTS && resolve(project, process.env.SCREENSHOTS);

let browser;
let url;
let plan;

const run = (program, ...args) => execFileSync(program, args, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
const edit = (path, from, to) => {
  const file = join(folder, path);
  const text = readFileSync(file, "utf8");
  assert.ok(text.includes(from), `${path} holds no ${from}`);
  writeFileSync(file, text.replace(from, to));
};
const commit = (message) => {
  run("git", "add", "--all");
  run("git", "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet", "--message", message);
};

before(async () => {
  assert.ok(existsSync(waypost), `${waypost} is missing: build it, or name it with WAYPOST`);
  assert.ok(existsSync(executablePath), `${executablePath} is missing: install Chromium, or name it with CHROMIUM`);
  // a pull request that moves one namespace, takes one deny rule out and adds an environment
  cpSync(join(project, "environments/brownfield"), join(folder, "environments/brownfield"), { recursive: true });
  run("git", "init", "--quiet", "--initial-branch=main");
  run(waypost, "render");
  commit("base");
  writeFileSync(join(folder, "plan.html"), run(waypost, "diff", "brownfield", "--every-stage", "--format", "html"));
  plan = pathToFileURL(join(folder, "plan.html")).href;
  edit("environments/brownfield/environment.yaml", "reached: httpbin", "reached: bookinfo");
  const tsb = join(folder, "environments/brownfield/tsb-config.yaml");
  const text = readFileSync(tsb, "utf8");
  // the rule that denied now allows
  const without = text.replace("          deny:\n", "");
  assert.notEqual(without, text, "tsb-config.yaml holds no deny rule");
  writeFileSync(tsb, without);
  cpSync(join(project, "environments/greenfield"), join(folder, "environments/greenfield"), { recursive: true });
  run(waypost, "render", "--allow-shrink");
  writeFileSync(join(folder, "page.html"), run(waypost, "diff", "--base", "HEAD", "--format", "html"));
  url = pathToFileURL(join(folder, "page.html")).href;
  const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  browser = await chromium.launch({ executablePath, headless: true, args });
});

after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

/// The page, with everything that it complains of and asks the network for.
const open = async (options = {}, address = url) => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => request.url() === address || complaints.push(`asks for ${request.url()}`));
  await page.goto(address);
  return { page, complaints, close: () => context.close() };
};

test("it says the verdict first, and complains of nothing", async () => {
  const { page, complaints, close } = await open();
  assert.equal(await page.locator("h1").textContent(), "Danger");
  const first = await page.locator(".verdict").boundingBox();
  assert.ok(first.y < 200, "the verdict is on the first screen");
  const text = await page.locator("main").innerText();
  for (const word of ["client/sleep", "httpbin/httpbin", "deny", "greenfield", "bookinfo"]) {
    assert.ok(text.includes(word), `${word} is not told`);
  }
  assert.ok((await page.locator(".move.gained").count()) > 0, "who gains access is told");
  assert.equal(await page.locator(".matrix td.changed").first().locator(".sr").count(), 1);
  for (const link of await page.locator("nav a").all()) {
    const target = await link.getAttribute("href");
    assert.equal(await page.locator(target).count(), 1, `${target} leads nowhere`);
  }
  const ids = await page.locator("[id]").evaluateAll((all) => all.map((element) => element.id));
  assert.equal(new Set(ids).size, ids.length, "every id is there once");
  await page.locator(".open-all").first().click();
  assert.deepEqual(complaints, []);
  await close();
});

test("the search finds names, fields and lines, and says how many", async () => {
  const { page, complaints, close } = await open();
  const section = page.locator(".changes").first();
  const all = await section.locator(".change").count();
  const shown = () => section.locator(".change:visible").count();
  const said = section.locator(".shown");
  assert.equal(await said.textContent(), `${all} shown`);
  await section.locator(".search").fill("istio-injection bookinfo");
  await page.waitForFunction((all) => document.querySelector(".shown").textContent !== `${all} shown`, all);
  const found = await shown();
  assert.ok(found > 0 && found < all);
  assert.equal(await said.textContent(), `${found} of ${all} shown`);
  await section.locator(".search").fill("no such thing");
  await section.locator(".nothing").waitFor({ state: "visible" });
  assert.equal(await shown(), 0);
  await section.locator(".search").press("Escape");
  assert.equal(await shown(), all);
  const kind = section.locator(".kind input").first();
  const count = await section.locator(`.change[data-kind="${await kind.getAttribute("value")}"]`).count();
  await kind.uncheck({ force: true });
  assert.equal(await shown(), all - count);
  assert.deepEqual(complaints, []);
  await close();
});

test("everything can be reached and done by keyboard", async () => {
  const { page, close } = await open();
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  const section = page.locator(".changes").first();
  await section.locator(".search").focus();
  await page.keyboard.press("ArrowDown");
  const focused = () => page.evaluate(() => document.activeElement.closest("details")?.id ?? document.activeElement.className);
  const first = await section.locator(".change").first().getAttribute("id");
  assert.equal(await focused(), first);
  const open_ = () => page.locator(`#${first}`).evaluate((details) => details.open);
  const was = await open_();
  await page.keyboard.press("Enter");
  assert.equal(await open_(), !was);
  await page.keyboard.press("ArrowDown");
  assert.notEqual(await focused(), first);
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowUp");
  assert.equal(await focused(), "search");
  // the ring of the focus can be seen
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.notEqual(outline, "none");
  await close();
});

test("it is light and dark as the system says, and as the reader says", async () => {
  const paper = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await open({ colorScheme: "light" });
  const dark = await open({ colorScheme: "dark" });
  const [bright, dim] = [await paper(light.page), await paper(dark.page)];
  assert.notEqual(bright, dim);
  await light.page.locator("#theme").click();
  assert.equal(await paper(light.page), bright);
  await light.page.locator("#theme").click();
  assert.equal(await paper(light.page), dim);
  assert.equal(await light.page.locator("#theme").innerText(), "Theme: dark");
  await light.page.reload();
  assert.equal(await paper(light.page), dim, "the choice is remembered");
  assert.deepEqual([...light.complaints, ...dark.complaints], []);
  await light.close();
  await dark.close();
});

test("axe finds nothing, light and dark, wide and narrow", async () => {
  for (const colorScheme of ["light", "dark"]) {
    for (const width of [1280, 390]) {
      for (const address of [url, plan]) {
        const { page, close } = await open({ colorScheme, viewport: { width, height: 900 }, bypassCSP: true }, address);
        await page.locator(".open-all").first().click();
        await page.addScriptTag({ path: axe });
        const result = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
        const found = result.violations.map((v) => `${v.impact} ${v.id}: ${v.nodes.map((n) => n.html).slice(0, 3).join(" | ")}`);
        assert.deepEqual(found, [], `${address}, ${colorScheme}, ${width} wide`);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(overflow <= 0, `${address}, ${width} wide: the page is ${overflow} too wide`);
        await close();
      }
    }
  }
});

test("the plan of a migration tells every step, and what holds there", async () => {
  const { page, complaints, close } = await open({}, plan);
  const steps = page.locator(".environment");
  assert.equal(await steps.count(), 9);
  assert.deepEqual(
    await steps.locator("h2").allTextContents(),
    ["client", "httpbin", "bookinfo"].flatMap((stage) => ["mesh", "enrollment", "workloads"].map((step) => `brownfield, ${stage}/${step}`)),
  );
  const third = await steps.nth(2).innerText();
  for (const word of ["the pods of cp-cluster-1/client are restarted", "access assertions hold", "at client", "sleep"]) {
    assert.ok(third.includes(word), `${word} is not told in ${third}`);
  }
  assert.deepEqual(complaints, []);
  await close();
});

test("without a script it says the same", async () => {
  const { page, close } = await open({ javaScriptEnabled: false });
  assert.equal(await page.locator(".tools").first().isVisible(), false);
  const change = page.locator(".change").first();
  await change.locator("summary").click();
  assert.ok(await change.locator(".change-body").isVisible());
  await close();
});

test("the pictures of the documentation", { skip: !pictures }, async () => {
  for (const colorScheme of ["light", "dark"]) {
    const { page, close } = await open({ colorScheme });
    await page.screenshot({ path: join(pictures, `diff-${colorScheme}.png`), fullPage: true });
    await close();
    // two of nine steps: they are alike
    const tall = await open({ colorScheme, viewport: { width: 1280, height: 2400 } }, plan);
    await tall.page.screenshot({ path: join(pictures, `plan-${colorScheme}.png`) });
    await tall.close();
  }
});
