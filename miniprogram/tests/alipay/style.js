const postcss = require('postcss')

/** Faults of one acss file: it must parse, and may not ask anything of an outside server. */
function styleFaults(source) {
  let root
  try {
    root = postcss.parse(source)
  } catch (fault) {
    return [`is no style sheet: ${fault.reason || fault.message}`]
  }
  const faults = []
  root.walkDecls((declaration) => {
    if (/url\(\s*["']?(https?:)?\/\//.test(declaration.value)) faults.push(`asks an outside server: ${declaration.value}`)
  })
  return faults
}

module.exports = { styleFaults }
