# Two commands: `make demo` shows the whole loop on real hosts in containers, `make test` proves it.
SHELL := /bin/bash
INVENTORY ?= localhost,
comma := ,
RUN = tests/tools/run

.PHONY: help demo test lint sanity unit integration newest molecule bench verify-main torture verify-transaction verify-policy verify-certificates verify-fleet verify-appliances lab lab-down lab-status lab-reset audit clean
help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

demo: ## audit, enforce, prove, break, revert and roll back on real hosts in containers, and an emulated router
	@$(RUN) demo lab -- tests/demo/run

test: ## lint, sanity, unit, integration on the lab, Molecule
	@$(RUN) dev lab -- tests/tools/all

lint: ## ruff, mypy, shellcheck, ansible-lint, changelog
	@$(RUN) dev -- tests/tools/lint

sanity: ## ansible-test sanity
	@$(RUN) dev -- tests/tools/sanity

unit: ## the core, without the lab; seconds
	@$(RUN) dev -- python -m pytest tests/unit -n 2

integration: ## real daemons on the lab
	@$(RUN) dev lab -- python -m pytest tests/integration

newest: ## integration under the newest ansible-core; PYTHON=/path/to/python3.13
	@mkdir -p build && $(RUN) lab -- tests/tools/newest

molecule: ## check, converge, idempotence, verify, rollback, verify
	@$(RUN) base lab -- tests/tools/molecule

bench: ## ratios measured side by side, certificates a second, and the policy language on 10,000 hosts; also in build/bench.json
	@$(RUN) base lab -- tests/benchmarks/run

verify-main: ## the acceptance of the main job; ends with its figures and ok or FAILED
	@$(RUN) dev lab -- tests/verify/main

torture: ## every fault at every system call of a change; an hour or so
	@$(RUN) dev lab -- tests/torture/run --all

verify-transaction: ## the acceptance of the transaction guarantee; SAMPLE=2000 for a spread sample
	@$(RUN) dev lab -- tests/verify/transaction

verify-policy: ## the acceptance of the policy language; FLEET=1000 for a smaller bench
	@$(RUN) dev lab -- tests/verify/policy

verify-certificates: ## the acceptance of certificates, keys and trust anchors; SAMPLE=0 for every injected fault
	@$(RUN) dev lab -- tests/verify/certificates

verify-fleet: ## the acceptance of windows, waves, plans, campaigns, the ledger and the pilot; HOSTS=6 RUNS=1 for a smaller bench
	@$(RUN) dev lab -- tests/verify/fleet

verify-appliances: ## the acceptance of network devices: readers, emulators, every fault at every step, hosts and devices in one run, the bench
	@$(RUN) dev lab -- tests/verify/appliances

lab: ## start the container lab (HOSTS=30 adds plain hosts, DEVICES=10 emulated network devices)
	@$(RUN) -- tests/lab/lab up
	$(if $(DEVICES),@$(RUN) demo -- tests/emulators/fleet up $(DEVICES))

lab-down: ## stop it, and the emulated devices
	@$(RUN) -- tests/emulators/fleet down
	@$(RUN) -- tests/lab/lab down

lab-status: ## what runs in it
	@$(RUN) -- tests/lab/lab status

lab-reset: ## every host as it was at first
	@$(RUN) -- tests/lab/lab reset

audit: ## read-only audit of INVENTORY (localhost by default)
	@$(RUN) base -- ansible-playbook -i "$(INVENTORY)" $(if $(filter localhost$(comma),$(INVENTORY)),-c local) playbooks/audit.yml

clean: ## everything that was built here; the lab's cache stays
	rm -rf build .venv agility-results
