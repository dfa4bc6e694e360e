# Everything here works from nothing on Debian 12 or 13: each target makes .venv (from hash-locked requirements) and the Docker engine when it needs them.
BIN := $(CURDIR)/.venv/bin
export PATH := $(BIN):$(PATH)
export MOLECULE_GLOB := molecule/*/molecule.yml
# By default checkouts of one name share Molecule's state, and one that was cut off made the other skip create.
export MOLECULE_EPHEMERAL_DIRECTORY := $(CURDIR)/build/molecule
CHECKS := sanity ansible-lint unit units mypy docs yamllint ruff changelog artifact
.DEFAULT_GOAL := help

.venv/.stamp: requirements/dev.lock tools/bootstrap
	@tools/bootstrap

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16

venv: .venv/.stamp  ## make or refresh .venv
lock: .venv/.stamp  ## resolve requirements/dev.in again, for Python 3.11 to 3.13
	uv pip compile -q --upgrade --universal --python-version 3.11 --no-annotate --no-header --generate-hashes requirements/dev.in -o requirements/dev.lock

demo: .venv/.stamp  ## migrate the lab's portal to a three-node cluster, verify it, kill nodes; warm: again
	@tools/docker-engine
	@python -m lab.demo
demo-down: .venv/.stamp  ## end the lab, and the Docker engine if this checkout started it
	@! command -v docker >/dev/null || tools/docker-engine   # containers outlive an engine that was killed
	@python -m lab down
	@tools/docker-engine stop

autoscaled: .venv/.stamp  ## the autoscaled_service modules on real instances: scale, heal, refresh, roll back, warm pool, leave nothing
	@tools/docker-engine
	@python -m lab.autoscaled
refusals: .venv/.stamp  ## bad input against the running lab: refused before anything changes
	@python -m lab.refusals
states: .venv/.stamp  ## every state of the identity cluster on the demo's portal, and what keycloak_cluster_info says of it; a quarter of an hour
	@python -m lab.states
# For every test, in two parts: the second is left out where the machine is so slow that it would not end in time.
main-states: .venv/.stamp
	@python -m lab.states whole ports database killed probe
other-states: .venv/.stamp
	@python -m lab.states inverted environments misconfigured third undone
second-run: .venv/.stamp
	@python -m lab.rehearsal second-run
drills: .venv/.stamp  ## every drill on the demo's portal: kill, freeze, partition and the rest; half an hour
	@python -m lab.drills $(DRILLS)
alternatives: .venv/.stamp  ## how soon a lost node is noticed, by the ways there are; on the demo's portal, half an hour
	@python -m lab.alternatives $(WAYS)
rehearsal: .venv/.stamp  ## on the demo's portal: closed port, all nodes killed, back and forth, finalize; a quarter of an hour
	@python -m lab.rehearsal
killed-anywhere: .venv/.stamp  ## phase 3 from the starting portal (make lab-up), killed at twelve tasks, then finished
	@python -m lab.rehearsal killed-anywhere
bench: .venv/.stamp  ## side by side with what others use, on hosts of their own and on the demo's portal; three quarters of an hour
	@tools/docker-engine
	@python -m bench.provision_noop
	@python -m bench.provision_create
	@python -m bench.keycloak_converge
	@python -m bench.phase3_noop
	@python -m bench.report
pooling: .venv/.stamp  ## on the demo's portal: Keycloak's own pool, PgBouncer and back under traffic; restarts; a quarter of an hour
	@python -m lab.pooling
directory: .venv/.stamp  ## on the demo's portal: each domain controller lost, its accounts, its secret rotated; five minutes
	@python -m lab.directory_loss
bench-directory: .venv/.stamp  ## on the demo's portal: ways to bear the silent loss of a domain controller, side by side; a quarter of an hour
	@python -m bench.directory_loss

rolling: .venv/.stamp  ## changes, upgrade and downgrade of a live cluster under traffic, on a lab that began with the release before; half an hour
	@tools/docker-engine
	@python -m lab.rolling

tls: .venv/.stamp  ## on the demo's portal: TLS to the nodes and between them, certificates changed while it serves
	@python -m lab.tls
sessions: .venv/.stamp  ## on the demo's portal: to sticky sessions and back, and what is lost
	@python -m lab.sessions

test: .venv/.stamp  ## everything: check, Molecule, demo, a second run, refusals, the states
	@tools/steps test $(CHECKS) images -- molecule -- demo -- second-run -- refusals -- main-states --before=3000 other-states
check: .venv/.stamp  ## all that needs no Docker: linters, types, unit tests, ansible-test, documentation
	@tools/steps check $(CHECKS)

lint: .venv/.stamp  ## only the linters
	@tools/steps lint ansible-lint yamllint ruff mypy
ansible-lint: .venv/.stamp
	@ansible-lint -q --format pep8 --nocolor
yamllint: .venv/.stamp
	@yamllint -s .
ruff: .venv/.stamp
	@ruff check -q && ruff format -q --check
mypy: .venv/.stamp
	@mypy
# Two processes: the patches of moto are made once in each, for one lab, and the tests of Auto Scaling make all of them for theirs.
unit: .venv/.stamp  ## unit tests of the collection and the lab
	@pytest --ignore-glob='lab/tests/test_auto*'
	@pytest lab/tests/test_auto*
sanity: .venv/.stamp  ## ansible-test sanity
	@tools/ansible-test sanity
units: .venv/.stamp  ## ansible-test units
	@tools/ansible-test units
# The ceiling: antsibull-docs copies the dependencies by git, for which .venv would be an ignored part of this checkout, hence empty.
docs: .venv/.stamp  ## check the documentation of modules and roles
	@GIT_CEILING_DIRECTORIES=$(CURDIR) antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs=self --skip-rstcheck .
changelog: .venv/.stamp
	@antsibull-changelog lint

molecule: images  ## role tests in containers
	@rm -rf build/molecule; listed=$$(python -m lab images); export MOLECULE_IMAGE=$$(echo "$$listed" | sed -n 's/^base //p') \
		AIPORTAL_KEYCLOAK_ARCHIVE=$$(echo "$$listed" | sed -n 's/^archive //p'); molecule test --all --workers 2
images: .venv/.stamp  ## build the lab's images
	@tools/docker-engine
	@python -m lab images

lab-up lab-down lab-status: .venv/.stamp
	@$(if $(filter lab-up,$@),tools/docker-engine &&) python -m lab $(@:lab-%=%)
lab-up:  ## start the lab with its single-server portal
lab-down:  ## end it
lab-status:  ## show it

build: .venv/.stamp  ## the collection as an artifact in build/
	@mkdir -p build && ansible-galaxy collection build --force --output-path build
artifact: build  ## install the artifact elsewhere and run from there
	@tools/try-artifact
clean:  ## end the lab and remove what the targets made in this checkout
	@[ ! -e build/lab ] || $(MAKE) --no-print-directory demo-down
	rm -rf .venv .ansible build

.PHONY: $(shell sed -n 's/^\([a-z-]*\):.*/\1/p' Makefile)
