// CycloneDX's own JavaScript library with Ajv: prints what is wrong with the document on stdin, and exits with 1.
'use strict'
const fs = require('node:fs')
const { Validation } = require('@cyclonedx/cyclonedx-library')

const text = fs.readFileSync(0, 'utf8')
new Validation.JsonStrictValidator(JSON.parse(text).specVersion).validate(text).then(
  (wrong) => {
    if (wrong !== null) {
      console.log(JSON.stringify(wrong))
      process.exitCode = 1
    }
  },
  (error) => {
    console.error(error)
    process.exitCode = 2
  }
)
