/**
 * What can be said of the Alipay build without Alipay's own tools: every file parses, every page and component
 * is there, and the code asks only for what Alipay documents. Exits 1 and lists what is wrong.
 */
const fs = require('fs')
const path = require('path')
const { templateFaults } = require('./template')
const { scriptFaults } = require('./script')
const { styleFaults } = require('./style')

const BUILD = path.join(__dirname, '../../dist/build/mp-alipay')

function filesUnder(folder) {
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const full = path.join(folder, entry.name)
    return entry.isDirectory() ? filesUnder(full) : [full]
  })
}

function parseJson(file, report) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'))
  } catch (fault) {
    report(file, `is no JSON: ${fault.message}`)
    return {}
  }
}

function checkPages(report) {
  const app = path.join(BUILD, 'app.json')
  const { pages = [] } = parseJson(app, report)
  if (pages.length === 0) report(app, 'names no page')
  for (const page of pages) {
    for (const ending of ['.js', '.json', '.axml']) {
      if (!fs.existsSync(path.join(BUILD, page + ending))) report(app, `names ${page}, but ${page}${ending} is not there`)
    }
  }
}

/** The component names that a template may use. */
function declaredComponents(template, report) {
  const config = template.replace(/\.axml$/, '.json')
  if (!fs.existsSync(config)) return []
  const components = parseJson(config, report).usingComponents || {}
  for (const [name, target] of Object.entries(components)) {
    const base = target.startsWith('/') ? path.join(BUILD, target) : path.join(path.dirname(template), target)
    if (!fs.existsSync(`${base}.axml`)) report(config, `uses ${name}, but ${target}.axml is not there`)
  }
  return Object.keys(components)
}

function checkFile(file, report) {
  const source = fs.readFileSync(file, 'utf8')
  const findings = {
    '.json': () => (parseJson(file, report), []),
    '.axml': () => templateFaults(source, declaredComponents(file, report)),
    '.acss': () => styleFaults(source),
    '.js': () => scriptFaults(source, path.basename(file), path.relative(BUILD, file).startsWith('common')),
  }[path.extname(file)]
  if (findings) findings().forEach((fault) => report(file, fault))
}

function main() {
  if (!fs.existsSync(path.join(BUILD, 'app.json'))) {
    console.error('There is no Alipay build to check: run `npm run build:mp-alipay` first.')
    return 1
  }
  const faults = []
  const report = (file, fault) => faults.push(`${path.relative(BUILD, file)}: ${fault}`)
  checkPages(report)
  const files = filesUnder(BUILD)
  files.forEach((file) => checkFile(file, report))
  faults.forEach((fault) => console.error(fault))
  console.log(`${files.length} files checked, ${faults.length} faults`)
  return faults.length === 0 ? 0 : 1
}

if (require.main === module) process.exitCode = main()
