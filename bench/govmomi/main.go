// Command govmomi lists all VMs of a vCenter with the library that govc is made of, as far as
// Drover does: their path, state, hardware, address, host and storage, as JSON.
//
//	govmomi URL CA, with the user and the password in the environment
package main

import (
	"context"
	"encoding/json"
	"net/url"
	"os"

	"github.com/vmware/govmomi/session"
	"github.com/vmware/govmomi/view"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

type row struct {
	Ref, Path, State, GuestOs, Address, Host string
	Cpus, MemoryMib                          int32
	StorageBytes                             int64
}

func main() {
	ctx := context.Background()
	target, err := url.Parse(os.Args[1])
	check(err)
	transport := soap.NewClient(target, false)
	check(transport.SetRootCAs(os.Args[2]))
	client, err := vim25.NewClient(ctx, transport)
	check(err)
	sessions := session.NewManager(client)
	user := url.UserPassword(os.Getenv("SIMULATOR_USER"), os.Getenv("SIMULATOR_PASSWORD"))
	check(sessions.Login(ctx, user))

	kinds := []string{"VirtualMachine", "Folder", "Datacenter", "HostSystem"}
	root := client.ServiceContent.RootFolder
	all, err := view.NewManager(client).CreateContainerView(ctx, root, kinds, true)
	check(err)
	var entities []mo.ManagedEntity
	check(all.Retrieve(ctx, kinds, []string{"name", "parent"}, &entities))
	var vms []mo.VirtualMachine
	check(all.Retrieve(ctx, kinds[:1], []string{
		"runtime.powerState", "runtime.host", "config.template", "config.hardware.numCPU",
		"config.hardware.memoryMB", "config.guestFullName", "guest.ipAddress",
		"summary.storage.committed",
	}, &vms))
	check(all.Destroy(ctx))

	known := map[types.ManagedObjectReference]mo.ManagedEntity{}
	for _, entity := range entities {
		known[entity.Self] = entity
	}
	rows := make([]row, 0, len(vms))
	for _, vm := range vms {
		rows = append(rows, toRow(vm, known))
	}
	check(json.NewEncoder(os.Stdout).Encode(rows))
	check(sessions.Logout(ctx))
}

func toRow(vm mo.VirtualMachine, known map[types.ManagedObjectReference]mo.ManagedEntity) row {
	entity := known[vm.Self]
	path := entity.Name
	for entity.Parent != nil && known[*entity.Parent].Name != "" {
		entity = known[*entity.Parent]
		path = entity.Name + "/" + path
	}
	made := row{Ref: vm.Self.Value, Path: path, State: string(vm.Runtime.PowerState)}
	if vm.Config != nil {
		made.Cpus, made.MemoryMib = vm.Config.Hardware.NumCPU, vm.Config.Hardware.MemoryMB
		made.GuestOs = vm.Config.GuestFullName
	}
	if vm.Guest != nil {
		made.Address = vm.Guest.IpAddress
	}
	if vm.Runtime.Host != nil {
		made.Host = known[*vm.Runtime.Host].Name
	}
	if vm.Summary.Storage != nil {
		made.StorageBytes = vm.Summary.Storage.Committed
	}
	return made
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
