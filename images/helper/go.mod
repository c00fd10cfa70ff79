module selvedge.invalid/helper

go 1.24
