# Makes apistrat.json: the columns used of the example `apistrat` of R's package survey (T. Lumley), and what
# survey itself answers for them. Debian: apt-get install r-base-core r-cran-survey; then
#   Rscript apistrat.R > apistrat.json
suppressMessages(library(survey))
data(api)
rows <- apistrat[, c("stype", "fpc", "api00", "enroll", "api.stu", "sch.wide", "comp.imp")]
rows$stype <- as.character(rows$stype)
rows$unmet <- as.integer(rows$sch.wide == "No")
rows$chosen <- as.integer(rows$comp.imp == "Yes")
design <- svydesign(id = ~1, strata = ~stype, fpc = ~fpc, data = rows)

pair <- function(name, found) {
  sprintf('    "%s": {"estimate": %.17g, "se": %.17g}', name, as.numeric(coef(found))[1], as.numeric(SE(found))[1])
}
chosen <- subset(design, chosen == 1)
high <- subset(design, stype == "H")
# One school of each kind left: every stratum has a single unit, centred at the grand mean.
options(survey.lonely.psu = "adjust")
first <- rows[c(which(rows$stype == "E")[1:3], which(rows$stype == "H")[1], which(rows$stype == "M")[1:2]), ]
lonely <- svydesign(id = ~1, strata = ~stype, fpc = ~fpc, data = first)
expected <- c(
  pair("mean_api00", svymean(~api00, design)),
  pair("total_api00", svytotal(~api00, design)),
  pair("mean_enroll", svymean(~enroll, design)),
  pair("total_enroll", svytotal(~enroll, design)),
  pair("mean_unmet", svymean(~unmet, design)),
  pair("total_unmet", svytotal(~unmet, design)),
  pair("ratio_api.stu_enroll", svyratio(~api.stu, ~enroll, design)),
  pair("domain_chosen_mean_api00", svymean(~api00, chosen)),
  pair("domain_chosen_mean_unmet", svymean(~unmet, chosen)),
  pair("domain_chosen_total_unmet", svytotal(~unmet, chosen)),
  pair("domain_H_mean_unmet", svymean(~unmet, high)),
  pair("lonely_mean_enroll", svymean(~enroll, lonely)),
  pair("lonely_total_enroll", svytotal(~enroll, lonely))
)
row <- function(r) {
  sprintf('    ["%s", %d, %d, %d, %d, %d, %d]', r[["stype"]], as.integer(r[["fpc"]]), as.integer(r[["api00"]]),
          as.integer(r[["enroll"]]), as.integer(r[["api.stu"]]), as.integer(r[["unmet"]]), as.integer(r[["chosen"]]))
}
lines <- vapply(seq_len(nrow(rows)), function(i) row(rows[i, ]), "")
picked <- match(rownames(first), rownames(rows)) - 1L
cat("{\n")
cat(sprintf('  "source": "R %s, survey %s, data set apistrat (California Department of Education, via T. Lumley)",\n',
            as.character(getRversion()), as.character(packageVersion("survey"))))
cat('  "columns": ["stype", "fpc", "api00", "enroll", "api.stu", "unmet", "chosen"],\n')
cat(sprintf('  "lonely_rows": [%s],\n', paste(picked, collapse = ", ")))
cat('  "expected": {\n', paste(expected, collapse = ",\n"), '\n  },\n', sep = "")
cat('  "rows": [\n', paste(lines, collapse = ",\n"), '\n  ]\n}\n', sep = "")
