using CapVault.Contracts.AgentAccount.ContractDefinition;
using CapVault.Contracts.CAPVault.ContractDefinition;
using CapVault.Contracts.SandboxToken.ContractDefinition;
using Nethereum.Contracts;
using Order = CapVault.Contracts.CAPVault.ContractDefinition.Order;

namespace CapVault.Contracts;

/// <summary>
/// What an agent's account calls for each step of an order, through its Executor's entry function. Each call has one encoding: who signs
/// an operation can compare its callData byte by byte with what the step must be.
/// </summary>
public static class AccountCalls
{
    /// <summary>createOrder by the Requester's account: its call is its consent, the Provider's is a signature.</summary>
    public static byte[] Create(string vault, Order order, byte[] providerSignature) =>
        Steps((vault, new CreateOrderFunction { Order = order, RequesterSig = [], ProviderSig = providerSignature }.GetCallData()));

    /// <summary>The exact allowance and the payment, in one operation: no allowance is left if either fails.</summary>
    public static byte[] Pay(string vault, Order order) => Steps(
        (order.Token, new ApproveFunction { Spender = vault, Value = order.Amount }.GetCallData()),
        (vault, new PayOrderFunction { Order = order }.GetCallData()));

    /// <summary><see cref="Create"/> and <see cref="Pay"/> in one operation.</summary>
    public static byte[] CreateAndPay(string vault, Order order, byte[] providerSignature) => Steps(
        (order.Token, new ApproveFunction { Spender = vault, Value = order.Amount }.GetCallData()),
        (vault, new CreateAndPayOrderFunction { Order = order, ProviderSig = providerSignature }.GetCallData()));

    /// <summary>deliverOrder.</summary>
    public static byte[] Deliver(string vault, Order order, byte[] deliverableHash) =>
        Steps((vault, new DeliverOrderFunction { Order = order, DeliverableHash = deliverableHash }.GetCallData()));

    /// <summary>releaseOrder.</summary>
    public static byte[] Release(string vault, Order order) => Steps((vault, new ReleaseOrderFunction { Order = order }.GetCallData()));

    /// <summary>disputeOrder.</summary>
    public static byte[] Dispute(string vault, Order order, byte[] reasonHash) =>
        Steps((vault, new DisputeOrderFunction { Order = order, ReasonHash = reasonHash }.GetCallData()));

    /// <summary>rejectOrder.</summary>
    public static byte[] Reject(string vault, Order order, byte[] reasonHash) =>
        Steps((vault, new RejectOrderFunction { Order = order, ReasonHash = reasonHash }.GetCallData()));

    private static byte[] Steps(params (string Target, byte[] Data)[] steps) => new ExecuteOrderStepsFunction
    {
        Steps = [.. steps.Select(step => new Step { Target = step.Target, Data = step.Data })],
    }.GetCallData();
}
