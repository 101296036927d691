module zip_server

go 1.21
