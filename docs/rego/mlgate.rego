# Judges mlgate's findings.json with conftest or OPA, on top of the policy of .mlgate.yml:
#
#   conftest test --policy docs/rego mlgate-report/findings.json
#
# An example of house rules that mlgate's own policy has no words for.
package main

import rego.v1

# What mlgate blocks stays blocked, whatever is said below.
deny contains message if {
	some finding in input.findings
	finding.action == "block"
	message := sprintf("%s: %s (%s)", [finding.path, finding.message, finding.rule])
}

# A scan that did not come to its end is no scan, also where the policy only warns of that.
deny contains message if {
	some file in input.scanned
	file.status == "incomplete"
	message := sprintf("%s: mlgate could not read all of it", [file.path])
}

# Nothing under prod/ may have a waiver.
deny contains message if {
	some finding in input.findings
	finding.action == "waived"
	startswith(finding.path, "prod/")
	message := sprintf("%s: %s is waived, and nothing under prod/ may be", [finding.path, finding.rule])
}

# No more than ten new things to look at in one pull request.
warn contains message if {
	new := [finding | some finding in input.findings; finding.new; finding.action == "warn"]
	count(new) > 10
	message := sprintf("%d new warnings in one change", [count(new)])
}
