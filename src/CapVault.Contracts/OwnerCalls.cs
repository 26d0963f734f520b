using System.Numerics;
using CapVault.Contracts.AgentAccount.ContractDefinition;
using CapVault.Contracts.SandboxToken.ContractDefinition;
using Nethereum.Contracts;

namespace CapVault.Contracts;

/// <summary>
/// What an Owner makes its agent's account do, through <c>execute</c>. Each call has one encoding, as an operation's callData and as a transaction
/// that the Owner sends to the account itself: who signs can compare it byte by byte with what was asked for.
/// </summary>
public static class OwnerCalls
{
    /// <summary>The largest limit that an account can hold: 2^80 − 1 base units.</summary>
    public static readonly BigInteger MaxLimit = (BigInteger.One << 80) - 1;

    /// <summary>setLimits: what the Executor may spend of a token, in its base units.</summary>
    public static byte[] SetLimits(string account, string token, BigInteger perOrder, BigInteger perDay) =>
        Execute(account, new SetLimitsFunction { Token = token, PerOrder = perOrder, PerDay = perDay }.GetCallData());

    /// <summary>setExecutor.</summary>
    public static byte[] SetExecutor(string account, string executor) => Execute(account, new SetExecutorFunction { NewExecutor = executor }.GetCallData());

    /// <summary>A transfer out of the account.</summary>
    public static byte[] Withdraw(string token, string to, BigInteger amount) => Execute(token, new TransferFunction { To = to, Value = amount }.GetCallData());

    private static byte[] Execute(string target, byte[] data) => new ExecuteFunction { Calls = [new Call { Target = target, Value = 0, Data = data }] }.GetCallData();
}
