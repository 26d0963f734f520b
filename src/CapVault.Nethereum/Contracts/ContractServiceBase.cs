using Nethereum.ABI.Model;
using Nethereum.Contracts.ContractHandlers;

namespace Nethereum.Contracts;

/// <summary>Base of the generated services: one contract at one address.</summary>
public abstract class ContractServiceBase
{
    public ContractHandler ContractHandler { get; protected set; }

    public string ContractAddress => ContractHandler.ContractAddress;

    public abstract List<Type> GetAllFunctionTypes();

    public abstract List<Type> GetAllEventTypes();

    public abstract List<Type> GetAllErrorTypes();

    public List<FunctionABI> GetAllFunctionABIs() => [.. GetAllFunctionTypes().Select(ABITypedRegistry.GetFunctionABI)];

    public List<EventABI> GetAllEventABIs() => [.. GetAllEventTypes().Select(ABITypedRegistry.GetEvent)];

    public List<ErrorABI> GetAllErrorABIs() => [.. GetAllErrorTypes().Select(ABITypedRegistry.GetError)];
}
