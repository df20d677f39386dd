// Command simulator is govmomi's simulator of vCenter (or of one ESXi), with a large inventory on
// demand and a back door. What the simulator lacks is added by the proxy in front of it, which
// keeps its objects in here through the back door, so that property collectors see them.
//
// It prints the address it listens on, and lives until its standard input ends: whoever started
// it may be killed in any way, and neither the process nor its files stay behind.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
	"github.com/vmware/govmomi/vim25/xml"
)

var (
	listen      = flag.String("listen", "127.0.0.1:0", "address to listen on")
	isEsx       = flag.Bool("esx", false, "be one ESXi instead of a vCenter")
	datacenters = flag.Int("datacenters", 1, "number of datacenters")
	hosts       = flag.Int("hosts", 2, "number of hosts in each datacenter")
	folders     = flag.Int("folders", 0, "number of folders for the VMs of the inventory")
	vms         = flag.Int("vms", 0, "number of VMs in the inventory")
)

func main() {
	flag.Parse()
	// What the simulator logs of each call is of no interest to anybody; panics still show.
	log.SetOutput(io.Discard)

	model := simulator.VPX()
	if *isEsx {
		model = simulator.ESX()
	} else {
		model.Datacenter, model.Host, model.Cluster = *datacenters, *hosts, 0
	}
	model.Machine, model.Autostart = 0, false
	if *vms > 0 {
		// One for each host, as what the others are copied from.
		model.Machine = 1
	}
	if err := model.Create(); err != nil {
		panic(err)
	}
	if *vms > 0 {
		populate()
	}

	user := url.UserPassword(os.Getenv("SIMULATOR_USER"), os.Getenv("SIMULATOR_PASSWORD"))
	model.Service.Listen = &url.URL{Host: *listen, User: user}
	model.Service.ServeMux = http.NewServeMux()
	model.Service.ServeMux.HandleFunc("/back-door", change)
	server := model.Service.NewServer()
	fmt.Println(server.Listener.Addr())

	_, _ = io.Copy(io.Discard, os.Stdin)
	model.Remove()
}

// change makes the object of an ObjectUpdate what its change set says. `enter` adds a lease, the
// one kind of object that no call of the simulator's makes.
func change(_ http.ResponseWriter, request *http.Request) {
	decoder := xml.NewDecoder(request.Body)
	decoder.TypeFunc = types.TypeFunc()
	var update types.ObjectUpdate
	if err := decoder.Decode(&update); err != nil {
		panic(err)
	}
	object := simulator.Map.Get(update.Obj)
	if object == nil && update.Kind == types.ObjectUpdateKindEnter {
		object = simulator.Map.Put(&mo.HttpNfcLease{Self: update.Obj})
	}
	simulator.Map.WithLock(object, func() { simulator.Map.Update(object, update.ChangeSet) })
}

// populate copies the first VMs until there are as many as were asked for. Creating them one by
// one would take minutes and five files each.
func populate() {
	session := &simulator.Session{Registry: simulator.NewRegistry()}
	ctx := &simulator.Context{Context: context.Background(), Session: session, Map: simulator.Map}
	templates := simulator.Map.All("VirtualMachine")
	var parents []*simulator.Folder
	for i := 0; i < len(templates); i++ {
		first := templates[i].(*simulator.VirtualMachine)
		home := simulator.Map.Get(*first.Parent).(*simulator.Folder)
		for n := 0; n < *folders; n++ {
			request := &types.CreateFolder{Name: fmt.Sprintf("%s-folder-%d", first.Name, n)}
			made := home.CreateFolder(ctx, request).(*methods.CreateFolderBody).Res.Returnval
			parents = append(parents, simulator.Map.Get(made).(*simulator.Folder))
		}
		parents = append(parents, home)
	}
	for n := len(templates); n < *vms; n++ {
		first := templates[n%len(templates)].(*simulator.VirtualMachine)
		add(first, parents[n%len(parents)], n)
	}
}

func add(first *simulator.VirtualMachine, parent *simulator.Folder, n int) {
	vm := &simulator.VirtualMachine{VirtualMachine: first.VirtualMachine}
	config, summary, guest := *first.Config, first.Summary, *first.Guest
	vm.Self = types.ManagedObjectReference{Type: "VirtualMachine", Value: fmt.Sprintf("vm-1%05d", n)}
	vm.Name = fmt.Sprintf("vm-%05d", n)
	config.Name, config.Uuid, config.InstanceUuid = vm.Name, uuid.NewString(), uuid.NewString()
	summary.Vm, summary.Config.Name, summary.Config.Uuid = &vm.Self, vm.Name, config.Uuid
	if n%3 != 0 {
		vm.Runtime.PowerState = types.VirtualMachinePowerStatePoweredOn
		guest.IpAddress = fmt.Sprintf("10.1.%d.%d", n/250%250, 1+n%250)
	}
	summary.Runtime = vm.Runtime
	vm.Config, vm.Summary, vm.Guest = &config, summary, &guest
	parent.ChildEntity = append(parent.ChildEntity, vm.Self)
	simulator.Map.PutEntity(parent, vm)
}
