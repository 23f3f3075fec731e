#!/usr/bin/env node
// Follows the platform's events over Server-Sent Events: every number once and in order, whatever dies meanwhile.
//
//   SOTALIA_TOKEN=sot_... node sse_follow.js AFTER URL...        Node.js 18 or newer, no package
//
// AFTER is the last position that you have handled ("<stream>.<number>", or a number; keep it where you keep what you made of
// the events). NODE_EXTRA_CA_CERTS names the certificate of a private authority. Prints a line an event: number, kind, subject.
'use strict'
let [position, ...urls] = process.argv.slice(2)
let last = Number(position.split('.').pop())

function take(block) {
  const field = (name) => block.split('\n').filter((l) => l.startsWith(name + ': ')).map((l) => l.slice(name.length + 2)).join('\n')
  const id = field('id')
  if (!id) return
  const number = Number(id.split('.').pop())
  if (field('event') === 'reset') {
    console.log('reset', number) // read the lists (GET /v1/apps, ...) here, then go on
  } else if (field('data') && number > last) {
    const event = JSON.parse(field('data'))
    console.log(number, event.type.slice('cn.sotalia.'.length, -'.v1'.length), event.subject)
  }
  position = id
  last = number
}

async function follow(url) {
  // Nothing for 40 seconds, not even a heartbeat: the connection is dead.
  const quiet = new AbortController()
  let timer = setTimeout(() => quiet.abort(), 40000)
  try {
    const reply = await fetch(url + '/v1/events/stream', {
      headers: { Authorization: 'Bearer ' + process.env.SOTALIA_TOKEN, 'Last-Event-ID': position },
      signal: quiet.signal,
    })
    if (!reply.ok) throw new Error('status ' + reply.status)
    let text = ''
    for await (const piece of reply.body.pipeThrough(new TextDecoderStream())) {
      clearTimeout(timer)
      timer = setTimeout(() => quiet.abort(), 40000)
      text += piece
      const blocks = text.split('\n\n')
      text = blocks.pop() // not whole yet
      blocks.forEach(take)
    }
  } finally {
    clearTimeout(timer)
  }
}

async function main() {
  for (let i = 0; ; i++) {
    await follow(urls[i % urls.length]).catch((e) => console.error(String(e.cause || e)))
    await new Promise((wake) => setTimeout(wake, 500))
  }
}
main()
