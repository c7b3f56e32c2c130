/** Faults of one axml template: tags must nest, expressions must close, elements must be known. */

const NATIVE = new Set([
  'view', 'text', 'image', 'input', 'block', 'slot', 'template', 'import', 'include', 'button', 'scroll-view', 'canvas', 'label',
])
const TAG = /<(\/?)([a-zA-Z][\w-]*)((?:\s+[\w:@.-]+(?:\s*=\s*(?:"[^"]*"|'[^']*'))?)*)\s*(\/?)>/y
const ATTRIBUTE = /([\w:@.-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'))?/g

function templateFaults(source, components) {
  const faults = []
  const open = []
  const known = new Set([...NATIVE, ...components])
  let at = 0
  while (at < source.length) {
    if (source[at] !== '<') {
      const next = source.indexOf('<', at)
      const words = source.slice(at, next === -1 ? source.length : next)
      if (!expressionsClose(words)) faults.push(`expression not closed: ${words.slice(0, 60)}`)
      at += words.length
      continue
    }
    TAG.lastIndex = at
    const tag = TAG.exec(source)
    if (!tag) return [...faults, `no tag at: ${source.slice(at, at + 60)}`]
    at = TAG.lastIndex
    const [, closing, name, attributes, selfClosing] = tag
    if (closing) {
      if (open.pop() !== name) return [...faults, `</${name}> closes nothing`]
      continue
    }
    if (!known.has(name)) faults.push(`<${name}> is neither an element nor a declared component`)
    faults.push(...attributeFaults(name, attributes))
    if (!selfClosing) open.push(name)
  }
  return open.length ? [...faults, `<${open.pop()}> is never closed`] : faults
}

function attributeFaults(name, attributes) {
  const faults = []
  for (const [, attribute, double, single] of attributes.matchAll(ATTRIBUTE)) {
    const value = double ?? single ?? ''
    if (!expressionsClose(value)) faults.push(`${name} ${attribute}: expression not closed`)
    if (attribute.startsWith('wx:') || /^bind(:|tap$)/.test(attribute)) faults.push(`${name} ${attribute} is WeChat's`)
  }
  return faults
}

function expressionsClose(words) {
  return words.split('{{').length === words.split('}}').length
}

module.exports = { templateFaults }
