package demo

// aside has nothing to do: there is no job control here.
func aside() {}
