fixture not-restarted/err-kinds
# run: validate rules
# help: and then say so: `restarted: [
edit environments/rules/environment.yaml 's#name: shop#&, restarted: [Rollout/web, CronJob/report, Pod/queue-0, Pod/debug, Job/import]#'
